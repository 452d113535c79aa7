import t from 'tap'
import { decodeVariant, encodeVariant } from '../../src/protocol/variant.ts'
import { blank, bytesOf, hexOf, readVectors, valueOf } from '../helper/variant-vectors.ts'
import type { DecodeVector, Vector } from '../helper/variant-vectors.ts'

const vectors = readVectors<Vector[]>('variant')
const decodeVectors = readVectors<DecodeVector[]>('variant-decode')

t.test('every value recorded from Godot 3.2.3 is written byte for byte', async t => {
  t.equal(vectors.length, 173)
  for (const vector of vectors) {
    t.equal(hexOf(encodeVariant(valueOf(vector))), blank(vector.hex, vector.undefined_bytes), vector.name)
  }
})

t.test('every value recorded from Godot 3.2.3 is read, and written again byte for byte', async t => {
  for (const vector of vectors) {
    const value = decodeVariant(bytesOf(vector.hex))
    t.strictSame(value, valueOf(vector), vector.name)
    t.equal(hexOf(encodeVariant(value)), blank(vector.hex, vector.undefined_bytes), vector.name)
  }
})

/** Where we answer otherwise than Godot 3.2.3, on purpose; docs/variant.md says why. */
const differences = ['string f5 80 80 80', 'array nested 101', 'array nested 200']

t.test('what Godot reads is read the same, what it refuses is refused', async t => {
  t.equal(decodeVectors.length, 100)
  for (const { name, hex, ok, error, reencoded } of decodeVectors) {
    const code = error === 'ERR_FILE_EOF' ? 'ERR_INVALID_DATA' : error
    if (differences.includes(name)) t.throws(() => decodeVariant(bytesOf(hex)), { name: 'GodotError', code: 'ERR_INVALID_DATA' }, name)
    else if (!ok) t.throws(() => decodeVariant(bytesOf(hex)), { name: 'GodotError', code, message: /at byte \d+/ }, name)
    else t.equal(hexOf(encodeVariant(decodeVariant(bytesOf(hex)))), reencoded ?? hex, name)
  }
})
