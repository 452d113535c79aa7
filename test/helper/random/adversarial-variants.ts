import type { VariantCodec } from '../../../src/protocol/variant/variant-codec.ts'
import * as types from '../../../src/protocol/variant/variant-types.ts'
import type { Variant } from '../../../src/protocol/variant/variant-types.ts'
import { variant3 } from '../../../src/protocol/variant/variant.ts'
import { variant4 } from '../../../src/protocol/variant/variant4.ts'
import { collidingBigInts, collidingFloats, collidingInts } from './colliding-keys.ts'
import { bytesOf, readVectors } from './variant-vectors.ts'
import type { DecodeVector, Vector } from './variant-vectors.ts'

/** Generates bytes of a given size that cost a decoder as much time as possible. */
export interface Attack {
  readonly name: string
  /** At most `size` bytes; they need not decode. */
  build (size: number): Uint8Array
}

interface Version { readonly codec: VariantCodec, readonly levels: number, readonly vectors: string }

/** The codecs of Godot 3 and Godot 4. */
export const versions: Record<'godot3' | 'godot4', Version> = {
  godot3: { codec: variant3, levels: 100, vectors: 'variant' },
  godot4: { codec: variant4, levels: 1024, vectors: 'godot4-variant' }
}

const word = (...values: number[]): Buffer => Buffer.from(Uint32Array.from(values).buffer)
const times = (count: number, piece: Uint8Array): Buffer => Buffer.concat(new Array<Uint8Array>(count).fill(piece))
const NIL = word(0)

/** All attacks on one version, several per type. */
export function attacksOn (version: keyof typeof versions): Attack[] {
  const { codec, levels, vectors } = versions[version]
  const rows = codec.parse(from => from.table.rows, Uint8Array.of())
  const numbers = new Map(rows.map(({ name, type }) => [name, type]))
  const array = numbers.get('Array')!
  const dictionary = numbers.get('Dictionary')!
  const recorded = [
    ...readVectors<Vector[]>(vectors),
    ...readVectors<DecodeVector[]>(vectors.replace('variant', 'variant-decode')).filter(({ ok }) => ok)
  ].map(({ hex }) => bytesOf(hex))
  const attacks: Attack[] = []
  const attack = (name: string, build: Attack['build']): void => { attacks.push({ name, build }) }

  for (const { name, type } of rows) {
    const values = recorded.filter(bytes => bytes[0] === type).sort((a, b) => a.length - b.length)
    // Serialized objects are rejected before they are read, so there are no recorded ones.
    const [least, most] =
      values.length > 0 ? [values[0], values.findLast(({ length }) => length < 1000)!] : [word(type), word(type)]
    for (const [which, value] of [['smallest', least], ['largest', most]] as const) {
      attack(`${name}: an Array of the ${which}`, size => repeated(array, value, Math.floor((size - 8) / value.length)))
      attack(`${name}: equal Dictionary keys, the ${which}`, size => {
        const pair = Buffer.concat([value, NIL])
        return repeated(dictionary, pair, Math.floor((size - 8) / pair.length))
      })
    }
    attack(`${name}: a false count, nested`, size => nestedFalseCounts(array, word(type, 0x7fffffff), size, levels))
    attack(`${name}: zeros`, size => Buffer.concat([word(type), Buffer.alloc(size - 4)]))
    attack(`${name}: ones`, size => Buffer.concat([word(type), Buffer.alloc(size - 4, 1)]))
    attack(`${name}: a count, then bytes of value 255`, size =>
      Buffer.concat([word(type, size - 8), Buffer.alloc(size - 8, 255)]))
  }
  for (const [name, make] of Object.entries(large)) {
    attack(`${name}: as large as possible`, size => {
      let count = size
      for (;;) {
        try {
          const bytes = codec.encode(make(count))
          if (bytes.length <= size) return bytes
          count = Math.min(count - 1, Math.floor(count * size / bytes.length))
        } catch {
          return codec.encode(null)
        }
      }
    })
  }
  for (const [name, make] of Object.entries(keys)) {
    attack(`Dictionary: ${name} as keys`, size => {
      const bytes = codec.encode(new Map(make(Math.floor(size / 12)).map(key => [key, null])))
      return bytes.subarray(0, size)
    })
  }
  attack('Dictionary: keys nested in keys', size => nested(word(dictionary, 1), size, levels))
  attack('Dictionary: keys nested in keys, each preceded by an array', size =>
    nestedPairs(dictionary, array, size, levels))
  attack('Array: nested', size => nested(word(array, 1), size, levels))
  attack('Array: nested, each with the largest possible count', size => nestedFalseCounts(array, NIL, size, levels))
  attack('Array: nested, as keys', size => {
    const key = Buffer.concat([times(levels - 1, word(array, 1)), NIL, NIL])
    return repeated(dictionary, key, Math.floor((size - 8) / key.length))
  })
  if (version === 'godot4') attacks.push(...attacksOnTyped(numbers))
  return attacks
}

/** Attacks on typed containers of Godot 4. */
function attacksOnTyped (numbers: ReadonlyMap<string, number>): Attack[] {
  const [array, dictionary] = [numbers.get('Array')!, numbers.get('Dictionary')!]
  const typed = (type: string, kind: string, make: (count: number) => Variant[]): Attack => ({
    name: `Dictionary[${type}, Variant]: ${kind} as keys`,
    build: size => {
      const pairs = new Map<Variant, Variant>(make(Math.floor(size / 20)).map(key => [key, null]))
      const untyped = variant4.encode(pairs)
      return Buffer.concat([word(dictionary | 1 << 16, numbers.get(type)!), untyped.subarray(4, size - 4)])
    }
  })
  return [
    typed('int', 'colliding floats', count => collidingInts(count).map(key => types.float(key))),
    typed('int', 'colliding ints', collidingInts),
    typed('float', 'colliding floats', collidingFloats),
    typed('float', 'colliding ints', collidingInts),
    typed('StringName', 'strings', count => Array.from({ length: count }, (_, i) => `${i}`)),
    typed('String', 'strings', count => Array.from({ length: count }, (_, i) => `${i}`)),
    {
      name: 'Array[int]: elements of another type',
      build: size => Buffer.concat([word(array | 1 << 16, 2, (size - 12) >> 2), times((size - 12) >> 2, NIL)])
    },
    {
      name: 'Array[class]: nested, with long names',
      build: size =>
        times(Math.floor(size / 280), Buffer.concat([word(array | 2 << 16, 268), Buffer.alloc(268, 65), word(1)]))
    },
    { name: 'Array: typed, nested', build: size => nested(word(array | 1 << 16, array, 1), size, 1024) }
  ]
}

/** A container of `count` equal elements or pairs. */
function repeated (type: number, piece: Uint8Array, count: number): Buffer {
  return Buffer.concat([word(type, count), times(count, piece)])
}

/** Nested headers, as deep as allowed, then as many Nils as fit. */
function nested (head: Uint8Array, size: number, levels: number): Buffer {
  const count = Math.min(levels, Math.floor(size / 2 / head.length))
  return Buffer.concat([times(count - 1, head), repeated(head[0], NIL, (size - count * head.length - 8) >> 2)])
}

/** Dictionaries as first keys of each other, each after an array that fills its share of the bytes. */
function nestedPairs (dictionary: number, array: number, size: number, levels: number): Buffer {
  const filler = Math.max(0, Math.floor(size / levels) - 24) >> 2
  const head = Buffer.concat([word(dictionary, 2), repeated(array, NIL, filler), NIL])
  return times(Math.max(1, Math.min(levels, Math.floor(size / head.length))), head)
}

/** Nested arrays, each with the largest count that the remaining bytes allow, then `value`. */
function nestedFalseCounts (array: number, value: Uint8Array, size: number, levels: number): Buffer {
  const count = Math.min(levels, Math.floor(size / 16))
  const heads = Array.from({ length: count }, (_, i) => word(array, Math.max(1, (size - 8 * i - 16) >> 2)))
  return Buffer.concat([...heads, value, Buffer.alloc(Math.max(0, size - 8 * count - value.length))])
}

/** Values of variable size, by a count of elements or characters. */
const large: Record<string, (count: number) => Variant> = {
  'String, ASCII': count => 'x'.repeat(count),
  'String, three bytes a character': count => '日'.repeat(count),
  'String, replacement characters': count => '\ufffd'.repeat(count),
  'String, half surrogates': count => 'x\ud800'.repeat(count),
  'NodePath, names': count => new types.NodePath({
    names: new Array<string>(count).fill('n'),
    subnames: [],
    absolute: true
  }),
  'NodePath, subnames': count => new types.NodePath({
    names: [],
    subnames: new Array<string>(count).fill('n'),
    absolute: true
  }),
  PoolByteArray: count => new Uint8Array(count),
  PoolIntArray: count => new Int32Array(count),
  PoolRealArray: count => new Float32Array(count),
  'PoolStringArray, empty': count => new types.PoolStringArray(new Array<string>(count).fill('')),
  'PoolStringArray, long': count =>
    new types.PoolStringArray(Array.from({ length: count >> 6 }, (_, i) => `${i}`.padEnd(60))),
  PoolVector2Array: count => new types.PoolVector2Array(new Array<types.Vector2>(count).fill(new types.Vector2(1, 2))),
  PoolVector3Array: count =>
    new types.PoolVector3Array(new Array<types.Vector3>(count).fill(new types.Vector3(1, 2, 3))),
  PoolColorArray: count => new types.PoolColorArray(new Array<types.Color>(count).fill(new types.Color())),
  PackedInt64Array: count => new BigInt64Array(count),
  PackedFloat64Array: count => new Float64Array(count),
  PackedVector4Array: count => new types.PackedVector4Array(new Array<types.Vector4>(count).fill(new types.Vector4()))
}

/** Distinct keys of a Dictionary. */
const keys: Record<string, (count: number) => Variant[]> = {
  ints: count => Array.from({ length: count }, (_, i) => i),
  'colliding ints': collidingInts,
  'colliding ints of 64 bits': collidingBigInts,
  floats: count => Array.from({ length: count }, (_, i) => i + 0.5),
  'colliding floats': collidingFloats,
  'integral floats': count => Array.from({ length: count }, (_, i) => types.float(i)),
  strings: count => Array.from({ length: count }, (_, i) => `key ${i}`),
  'numeric strings': count => Array.from({ length: count }, (_, i) => `${1_000_000_000 + i * 65536}`),
  vectors: count => Array.from({ length: count }, (_, i) => new types.Vector2(i, i)),
  arrays: count => Array.from({ length: count }, (_, i) => [i]),
  'byte arrays': count => Array.from({ length: count }, (_, i) => new Uint8Array(Uint32Array.of(i).buffer)),
  dictionaries: count => Array.from({ length: count }, (_, i) => new Map([[i, i]]))
}
