import fc from 'fast-check'
import t from 'tap'
import { GodotError } from '../../../src/error.ts'
import { variantFromJson } from '../../../src/protocol/variant/variant-json.ts'
import * as types from '../../../src/protocol/variant/variant-types.ts'
import { decodeVariant, encodeVariant } from '../../../src/protocol/variant/variant.ts'
import { variant4 } from '../../../src/protocol/variant/variant4.ts'
import { scaled } from '../../helper/random/random.ts'

t.test('JSON values represent themselves, objects dictionaries', async t => {
  t.same(variantFromJson([null, true, 1, 1.5, 'text', []]), [null, true, 1, 1.5, 'text', []])
  t.same(variantFromJson({ a: { b: 1 }, c: 2 }), new Map<string, unknown>([['a', new Map([['b', 1]])], ['c', 2]]))
  t.same(variantFromJson(JSON.parse('{"__proto__": 1}')), new Map([['__proto__', 1]]))
  t.same(variantFromJson({}), new Map())
})

t.test('an object whose only property is named like a type has that type', async t => {
  const { Vector2, Vector3 } = types
  for (const [json, value] of [
    [{ int: 7 }, 7],
    [{ int: '9223372036854775807' }, 9223372036854775807n],
    [{ float: 7 }, new types.Float(7)],
    [{ Vector2: [1, 2] }, new Vector2(1, 2)],
    [{ Vector2i: [-2147483648, 2147483647] }, new types.Vector2i(-2147483648, 2147483647)],
    [{ Rect2: [1, 2, 3, 4] }, new types.Rect2(new Vector2(1, 2), new Vector2(3, 4))],
    [{
      Basis: [1, 2, 3, 4, 5, 6, 7, 8, 9]
    }, new types.Basis(new Vector3(1, 4, 7), new Vector3(2, 5, 8), new Vector3(3, 6, 9))],
    [{ Color: [0.5, 1, 0, 1] }, new types.Color(0.5, 1, 0, 1)],
    [{ NodePath: '/root/Main:position' }, new types.NodePath('/root/Main:position')],
    [{ PoolByteArray: [1, 255] }, Uint8Array.of(1, 255)],
    [{ PackedInt32Array: [-1] }, Int32Array.of(-1)],
    [{ PoolStringArray: ['a', 'b'] }, new types.PoolStringArray(['a', 'b'])],
    [{ PoolVector2Array: [[1, 2], [3, 4]] }, new types.PoolVector2Array([new Vector2(1, 2), new Vector2(3, 4)])],
    [{
      Dictionary: [[{ Vector2: [1, 2] }, 'here'], [1, 2]]
    }, new Map<unknown, unknown>([[new Vector2(1, 2), 'here'], [1, 2]])],
    [{ Dictionary: [['Vector2', 1]] }, new Map([['Vector2', 1]])],
    [[{ Vector3: [1, 2, 3] }], [new Vector3(1, 2, 3)]],
    [{ Vector2: 1, Vector3: 2 }, new Map([['Vector2', 1], ['Vector3', 2]])]
  ] as const) t.same(variantFromJson(json), value, JSON.stringify(json))
})

t.test('values from JSON can be sent to Godot 3', async t => {
  for (const json of [{
    position: { Vector2: [1.5, 2] },
    score: { int: 7 },
    names: { PoolStringArray: ['x'] }
  }, [1, 2.5, 'a', null], { Transform: [1, 0, 0, 0, 1, 0, 0, 0, 1, 4, 5, 6] }]) {
    const value = variantFromJson(json)
    t.same(decodeVariant(encodeVariant(value)), value)
  }
  const four = variantFromJson([{ Vector4i: [1, 2, 3, -4] }, {
    StringName: 'idle'
  }, { PackedInt64Array: ['9007199254740993'] }, { Projection: Array.from({ length: 16 }, (_, i) => i) }])
  t.same(variant4.decode(variant4.encode(four)), four)
})

t.test('rejects invalid JSON with a message that names what is expected', async t => {
  for (const [json, wanted] of [
    [{ Vector2: [1] }, 'Vector2: an array of 2 numbers'],
    [{ Vector2: [1, '2'] }, 'Vector2: an array of 2 numbers'],
    [{ Vector2: { x: 1, y: 2 } }, 'Vector2: an array of 2 numbers'],
    [{ int: 'x' }, 'an integer'],
    [{ int: 7.9 }, 'an integer'],
    [{ PackedInt64Array: [1, 1.5] }, 'an integer'],
    [{ Vector2i: [1.5, 2] }, 'an integer from -2147483648 to 2147483647'],
    [{ Vector3i: [1, 2, 2147483648] }, 'an integer from -2147483648 to 2147483647'],
    [{ Rect2i: [0, 0, -2147483649, 1] }, 'an integer from -2147483648 to 2147483647'],
    [{ Vector4i: [1, 2, 3] }, 'Vector4i: an array of 4 numbers'],
    [{ PoolByteArray: [256] }, 'an integer from 0 to 255'],
    [{ PoolStringArray: 'x' }, 'PoolStringArray: an array'],
    [{ Dictionary: [[1]] }, 'pairs of a key and a value'],
    [{ NodePath: 1 }, 'a string']
  ] as const) {
    t.throws(() =>
      variantFromJson(json), { code: 'ERR_INVALID_PARAMETER', message: wanted }, JSON.stringify(json))
  }
  t.throws(() => variantFromJson({ int: '9223372036854775808' }), { code: 'ERR_INVALID_PARAMETER' })
  const deep = JSON.parse('['.repeat(20000) + ']'.repeat(20000))
  t.throws(() => variantFromJson(deep), { code: 'ERR_INVALID_PARAMETER' })
})

t.test('random JSON gives a Variant or a GodotError', async t => {
  const names = [
    'int', 'float', 'Vector2', 'Vector2i', 'Color', 'Dictionary', 'PoolByteArray', 'PoolVector2Array',
    'PackedInt64Array', 'NodePath', 'x'
  ]
  const json = fc.letrec(tie => ({
    any: fc.oneof({ maxDepth: 4 }, fc.jsonValue(), fc.dictionary(fc.constantFrom(...names), tie('any'), {
      maxKeys: 1
    }), fc.array(tie('any'), { maxLength: 4 }))
  })).any
  fc.assert(fc.property(json, value => {
    try {
      encodeVariant(variantFromJson(value))
    } catch (error) {
      if (!(error instanceof GodotError)) throw error
    }
  }), { numRuns: scaled(1000) })
})
