import t from 'tap'
import fc from 'fast-check'
import { readUtf8, writeUtf8 } from '../../../src/protocol/websocket/utf8.ts'
import { bytesOf, hexOf } from '../../helper/variant-vectors.ts'
import { scaled } from '../../helper/random.ts'

function encode (text: string): Buffer {
  const page = Buffer.alloc(text.length * 3 + 2, 0xaa)
  return page.subarray(1, 1 + writeUtf8(page, 1, text))
}

function decode (bytes: Uint8Array, strict = false): string | undefined {
  return readUtf8(bytes, 0, bytes.length, strict)
}

/** Texts without the marks that Godot's reader takes for an end or drops. */
const text = fc.string({ unit: 'binary', maxLength: 60 }).filter(text => !/\0|^\ufeff/.test(text))

t.test('text is written as everybody writes it', async t => {
  fc.assert(fc.property(text, text => Buffer.from(text).equals(encode(text))))
})

t.test('what is written is read again, strictly or not', async t => {
  fc.assert(fc.property(text, fc.boolean(), (text, strict) => decode(encode(text), strict) === text))
  t.equal(
    decode(encode('\ufffd and \ufffd, which were really sent'), true), '\ufffd and \ufffd, which were really sent'
  )
})

t.test('bytes are text exactly when a strict decoder says so', async t => {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  fc.assert(fc.property(fc.uint8Array({ min: 1, maxLength: 8 }), bytes => {
    let expected: string | undefined
    try { expected = decoder.decode(bytes) } catch {}
    return decode(bytes, true) === expected
  }), { numRuns: scaled(5000) })
})

t.test('half surrogate pairs are code points of their own, unless strict', async t => {
  t.equal(hexOf(encode('a\ud800b')), '61eda08062')
  t.equal(decode(bytesOf('61eda08062')), 'a\ud800b')
  t.equal(decode(bytesOf('eda0bdedb880')), '😀')
  t.equal(decode(bytesOf('eda080'), true), undefined)
  t.equal(hexOf(encode('😀\udfff, a text that is too long to be written unit by unit')).slice(0, 14), 'f09f9880edbfbf')
})

t.test('what is no text at all', async t => {
  for (const hex of ['ff', '80', 'c3', 'c080', 'e080af', 'f08080af', 'f5808080', 'f4908080', 'c328', 'e28228']) {
    t.equal(decode(bytesOf(hex)), undefined, hex)
    t.equal(decode(bytesOf('61'.repeat(40) + hex)), undefined, `${hex} after 40 bytes`)
  }
})

t.test('text ends at its first NUL, what follows is not looked at', async t => {
  for (const [hex, text] of [
    ['00', ''], ['6100', 'a'], ['610062', 'a'], ['6100ff', 'a'], ['c3a900ff', 'é'], ['efbfbd00ff', '\ufffd']
  ]) {
    t.equal(decode(bytesOf(hex)), text, hex)
  }
  t.equal(decode(bytesOf('c300')), undefined)
})

t.test('a byte order mark is dropped', async t => {
  t.equal(decode(bytesOf('efbbbf61')), 'a')
  t.equal(decode(bytesOf('efbbbfefbbbf61')), '\ufeffa')
  t.equal(decode(bytesOf('efbbbfefbfbd')), '\ufffd')
})

t.test('texts in the same slot of the memory do not get mixed up', async t => {
  for (let i = 0; i < 20_000; i++) {
    const name = `player_${i}`
    if (decode(Buffer.from(name)) !== name || decode(Buffer.from(name)) !== name) t.fail(name)
  }
})
