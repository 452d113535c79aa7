import t from 'tap'
import { originFault } from '../src/origin-pattern.ts'
import { parseOptions } from '../src/options/options.ts'

for (const valid of [
  '*', 'null', 'https://game.example', 'HTTP://game.example:8080', 'https://*.itch.zone', 'https://[::1]:3000',
  'app://game', 'https://localhost'
]) {
  t.test(`${valid} is a valid entry of allowedOrigins`, async t => {
    t.equal(originFault(valid), undefined)
    t.doesNotThrow(() => parseOptions({ allowedOrigins: [valid] }))
  })
}

t.test('rejects an entry that is not a string', async t => {
  t.throws(() => parseOptions({ allowedOrigins: [5 as unknown as string] }), {
    message: 'option allowedOrigins.0: must be string'
  })
})

const invalid: Array<[entry: string, message: RegExp]> = [
  ['game.example', /missing scheme; expected e\.g\. https:\/\/game\.example$/],
  ['*.itch.zone', /missing scheme; expected e\.g\. https:\/\/\*\.itch\.zone$/],
  ['https://game.example/', /scheme, host and port only, e\.g\. https:\/\/game\.example$/],
  ['https://game.example/play?a', /scheme, host and port only, e\.g\. https:\/\/game\.example$/],
  ['https://user@game.example', /scheme, host and port only/],
  ['https://', /scheme, host and port only$/],
  ['https://a b', /scheme, host and port only/],
  ['https://*', /wildcard must be the whole first label/],
  ['https://a*.itch.zone', /wildcard must be the whole first label, e\.g\. https:\/\/\*\.game\.example/],
  ['https://*.*.zone', /wildcard must be the whole first label/],
  ['https://itch.*', /wildcard must be the whole first label/]
]

for (const [entry, message] of invalid) {
  t.test(`${entry} is rejected with a reason`, async t => {
    t.throws(() => parseOptions({ allowedOrigins: ['https://good.example', entry] }), {
      code: 'ERR_INVALID_PARAMETER',
      message
    })
    t.throws(() => parseOptions({ allowedOrigins: [entry] }), { message: /^option allowedOrigins\.0: origin / })
  })
}

for (const value of ['https://game.example', 5, {}]) {
  t.test(`allowedOrigins ${JSON.stringify(value)} is neither * nor a list`, async t => {
    t.throws(() => parseOptions({ allowedOrigins: value as never }), {
      message: 'option allowedOrigins: must be "*" or array'
    })
  })
}
