import fc from 'fast-check'
import t from 'tap'
import { GodotError } from '../../../src/error.ts'
import { parseRequestHead } from '../../../src/protocol/websocket/request-head.ts'
import { scaled } from '../../helper/random/random.ts'

t.test('reads target and headers', async t => {
  const head = parseRequestHead('GET /a/b?c=%20d HTTP/1.1\r\nHost: here\r\nX-List:one\r\nX-EMPTY:\r\nx-list: \t two \t')
  t.equal(head.target, '/a/b?c=%20d')
  t.same({ ...head.headers }, { host: 'here', 'x-list': 'one, two', 'x-empty': '' })
})

t.test('repeated headers are as Node has them', async t => {
  const lines = ['Cookie: a=1', 'Cookie: b=2', 'Authorization: Bearer a', 'Authorization: Bearer b', 'X:', 'X: c']
  const { headers } = parseRequestHead(['GET / HTTP/1.1', ...lines].join('\r\n'))
  t.same({ ...headers }, { cookie: 'a=1; b=2', authorization: 'Bearer a', x: ', c' })
})

t.test('accepts any header name, also __proto__', async t => {
  const { headers } = parseRequestHead('GET / HTTP/1.1\r\n__proto__: x\r\nconstructor: y')
  t.equal(headers.constructor as unknown, 'y')
  t.equal(Object.getPrototypeOf(headers), null)
})

const wrong: Array<[what: string, head: string]> = [
  ['nothing', ''],
  ['one word', 'GET'],
  ['two words', 'GET /'],
  ['four words', 'GET / / HTTP/1.1'],
  ['no target', 'GET  HTTP/1.1'],
  ['another method', 'POST / HTTP/1.1'],
  ['a method in lower case', 'get / HTTP/1.1'],
  ['another version', 'GET / HTTP/1.0'],
  ['a version with trailing characters', 'GET / HTTP/1.10'],
  ['a leading space', ' GET / HTTP/1.1'],
  ['a line without a colon', 'GET / HTTP/1.1\r\nHost'],
  ['an empty name', 'GET / HTTP/1.1\r\n: x'],
  ['a space before the colon', 'GET / HTTP/1.1\r\nHost : x'],
  ['a folded line', 'GET / HTTP/1.1\r\nHost: x\r\n y: z'],
  ['an empty line', 'GET / HTTP/1.1\r\n\r\nHost: x'],
  ['a bare line feed in a value', 'GET / HTTP/1.1\r\nHost: x\nUpgrade: websocket'],
  ['a bare carriage return', 'GET / HTTP/1.1\r\nHost: x\rUpgrade: websocket'],
  ['a NUL', 'GET / HTTP/1.1\r\nHost: \0'],
  ['a control character in the target', 'GET /\x01 HTTP/1.1']
]

for (const [what, head] of wrong) {
  t.test(`rejects ${what}`, async t => {
    t.throws(() => parseRequestHead(head), { code: 'bad-handshake' })
  })
}

t.test('random lines are parsed, or rejected with a GodotError', async t => {
  const line = fc.oneof(fc.string(), fc.constantFrom('GET / HTTP/1.1', 'Host: x', 'a:', ':b', ''))
  const outcomes = new Set<string>()
  fc.assert(fc.property(fc.array(line), lines => {
    try {
      outcomes.add(typeof parseRequestHead(lines.join('\r\n')).target)
    } catch (error) {
      if (!(error instanceof GodotError)) throw error
      outcomes.add(error.code)
    }
  }), { numRuns: scaled(500) })
  t.same([...outcomes].sort(), ['bad-handshake', 'string'])
})
