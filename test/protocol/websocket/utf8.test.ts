import t from 'tap'
import fc from 'fast-check'
import { readUtf8, writeUtf8 } from '../../../src/protocol/websocket/utf8.ts'
import { codePoint } from '../../helper/random/code-point.ts'
import { bytesOf, hexOf } from '../../helper/random/variant-vectors.ts'
import { scaled } from '../../helper/random/random.ts'

function encode (text: string): Buffer {
  const page = Buffer.alloc(text.length * 3 + 2, 0xaa)
  return page.subarray(1, 1 + writeUtf8(page, 1, text))
}

function decode (bytes: Uint8Array, strict = false): string | undefined {
  return readUtf8(bytes, 0, bytes.length, strict)
}

/** Strings without NUL and byte order marks, which Godot's reader treats specially. */
const text = fc.string({ unit: codePoint, maxLength: 60 }).filter(text => !/\0|^\ufeff/.test(text))

t.test('encodes like TextEncoder', async t => {
  fc.assert(fc.property(text, text => Buffer.from(text).equals(encode(text))))
})

t.test('decodes what it encoded, strictly or not', async t => {
  fc.assert(fc.property(text, fc.boolean(), (text, strict) => decode(encode(text), strict) === text))
  t.equal(decode(encode('a \ufffd that was sent'), true), 'a \ufffd that was sent')
})

t.test('accepts exactly the bytes that a strict TextDecoder accepts', async t => {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  fc.assert(fc.property(fc.uint8Array({ min: 1, maxLength: 8 }), bytes => {
    let expected: string | undefined
    try { expected = decoder.decode(bytes) } catch {}
    return decode(bytes, true) === expected
  }), { numRuns: scaled(5000) })
})

t.test('lone surrogates are code points of their own, unless strict', async t => {
  t.equal(hexOf(encode('a\ud800b')), '61eda08062')
  t.equal(decode(bytesOf('61eda08062')), 'a\ud800b')
  t.equal(decode(bytesOf('eda0bdedb880')), '😀')
  t.equal(decode(bytesOf('eda080'), true), undefined)
  t.equal(hexOf(encode('😀\udfff, a text that is too long to be written unit by unit')).slice(0, 14), 'f09f9880edbfbf')
})

t.test('rejects invalid bytes', async t => {
  for (const hex of ['ff', '80', 'c3', 'c080', 'e080af', 'f08080af', 'f5808080', 'f4908080', 'c328', 'e28228']) {
    t.equal(decode(bytesOf(hex)), undefined, hex)
    t.equal(decode(bytesOf('61'.repeat(40) + hex)), undefined, `${hex} after 40 bytes`)
  }
})

t.test('ends text at the first NUL and ignores what follows', async t => {
  for (const [hex, text] of [
    ['00', ''], ['6100', 'a'], ['610062', 'a'], ['6100ff', 'a'], ['c3a900ff', 'é'], ['efbfbd00ff', '\ufffd']
  ]) {
    t.equal(decode(bytesOf(hex)), text, hex)
  }
  t.equal(decode(bytesOf('c300')), undefined)
})

t.test('drops a byte order mark', async t => {
  t.equal(decode(bytesOf('efbbbf61')), 'a')
  t.equal(decode(bytesOf('efbbbfefbbbf61')), '\ufeffa')
  t.equal(decode(bytesOf('efbbbfefbfbd')), '\ufffd')
})

t.test('does not confuse strings in the same cache slot', async t => {
  for (let i = 0; i < 20_000; i++) {
    const name = `player_${i}`
    if (decode(Buffer.from(name)) !== name || decode(Buffer.from(name)) !== name) t.fail(name)
  }
})
