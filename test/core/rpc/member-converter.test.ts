import t from 'tap'
import { kindName } from '../../../src/core/rpc/kind-converter.ts'
import { MemberConverter, SurfaceConverters } from '../../../src/core/rpc/member-converter.ts'
import {
  arrayOf, dictionaryOf, exact, methodsOf, optional, unchecked, variant
} from '../../../src/core/rpc/rpc-surface.ts'
import type { Kind } from '../../../src/core/rpc/rpc-surface.ts'
import {
  Float, float, int, PoolStringArray, Quat, StringName, TypedArray, TypedDictionary, Vector2
} from '../../../src/protocol/variant/variant-types.ts'
import { hashOf } from '../../../src/protocol/variant/collision-guard.ts'
import { encodeVariant4 } from '../../../src/protocol/variant/variant4.ts'
import type { Variant } from '../../../src/protocol/variant/variant-types.ts'
import { collidingInts } from '../../helper/random/colliding-keys.ts'

const big = 2n ** 60n

/** Received values of a kind: accepted ones, with the argument of the handler, and rejected ones. */
const kinds: Array<[name: string, kind: Kind, good: Array<[Variant, Variant]>, bad: Variant[]]> = [
  ['int', int, [[3, 3], [-3, -3]], [3.5, NaN, Infinity, '3', true, null, big]],
  ['float', float, [[3, 3], [0.5, 0.5], [big, Number(big)], [-Infinity, -Infinity]], ['3', true, null, [1]]],
  ['BigInt', BigInt, [[3, 3n], [big, big]], [3.5, '3', null]],
  ['Number', Number, [[3, 3], [3.5, 3.5], [-0, -0], [big, Number(big)]], ['3', true, null]],
  ['String', String, [['', ''], ['x', 'x'], [new StringName('x'), 'x']], [3, null, ['x']]],
  ['StringName', StringName, [[new StringName('x'), new StringName('x')], ['x', new StringName('x')]], [3, null]],
  ['Boolean', Boolean, [[true, true], [false, false]], [0, 1, null, 'true']],
  ['Array', Array, [
    [[1, 'x'], [1, 'x']], [new TypedArray('int', [1]), [1]]
  ], [new PoolStringArray(['x']), new Uint8Array(1), null]],
  ['Map', Map, [[
    new Map([['x', 1]]), new Map([['x', 1]])
  ], [new TypedDictionary('String', 'int', new Map([['x', 1]])), new Map([['x', 1]])]], [[], null]],
  ['Vector2', Vector2, [[new Vector2(1, 2), new Vector2(1, 2)]], [null, [1, 2], 1]],
  ['Uint8Array', Uint8Array, [[Uint8Array.of(1), Uint8Array.of(1)]], [Int32Array.of(1), null]],
  ['variant', variant, [[null, null], ['x', 'x'], [[1], [1]]], []]
]

t.test('rejects a received value of another kind', async t => {
  for (const [name, kind, good, bad] of kinds) {
    const converter = new MemberConverter([kind])
    for (const [given, taken] of good) t.strictSame(converter.incoming([given]), [taken], name)
    for (const given of bad) t.equal(converter.incoming([given]), undefined, `${name}: ${String(given)}`)
  }
})

t.test('converts a sent value to its kind', async t => {
  t.strictSame(new MemberConverter([int, float, float, String]).outgoing([3.7, 3, 0.5, 'x']), [
    3, new Float(3), 0.5, 'x'
  ])
  t.throws(() => new MemberConverter([int]).outgoing([NaN]), { code: 'ERR_INVALID_PARAMETER' })
})

t.test('rejects another number of values than declared, both ways', async t => {
  const converter = new MemberConverter([int, int])
  for (const values of [[], [1], [1, 2, 3]]) {
    t.equal(converter.incoming(values), undefined)
    t.throws(() => converter.outgoing(values), { code: 'ERR_INVALID_PARAMETER' })
  }
})

t.test('with exact types declared numbers are still plain numbers', async t => {
  const rows: Array<[Kind, Variant, Variant | undefined]> = [
    [int, new Float(3), 3], [
      float, new Float(3), 3
    ], [Number, new Float(3), 3], [BigInt, new Float(3), 3n], [String, new Float(3), undefined],
    [variant, new Float(3), new Float(3)], [exact, new Float(3), new Float(3)]
  ]
  for (const [kind, given, received] of rows) {
    t.strictSame(new MemberConverter([kind], true).incoming([given]), received === undefined ? undefined : [received])
  }
  t.equal(new MemberConverter([int, exact], true).exactFloats, true)
  t.equal(new MemberConverter([int, variant]).exactFloats, false)
  t.same(new MemberConverter([int, exact]).exactFloats, [false, true])
  t.equal(new MemberConverter([exact]).exactFloats, true)
  for (const kind of [arrayOf(exact), dictionaryOf(String, exact), optional(arrayOf(exact))]) {
    t.same(new MemberConverter([int, kind]).exactFloats, [false, true])
  }
  const keyed = new MemberConverter([dictionaryOf(int, exact)])
  t.strictSame(keyed.incoming([new Map([[new Float(5), new Float(5)]])]), [new Map([[5, new Float(5)]])])
})

t.test('trailing parameters may be optional, with or without a default', async t => {
  const converter = new MemberConverter([String, optional(int, 7), optional(Vector2, null), optional(float)])
  const rows: Array<[Variant[], unknown[] | undefined]> = [
    [[], undefined],
    [['a'], ['a', 7, null, undefined]],
    [['a', 1], ['a', 1, null, undefined]],
    [['a', 1, null], ['a', 1, null, undefined]],
    [['a', 1, new Vector2(1, 2), 3], ['a', 1, new Vector2(1, 2), 3]],
    [['a', null], undefined],
    [['a', 1, 5], undefined],
    [['a', 1, null, null], undefined],
    [['a', 1, null, 3, 4], undefined]
  ]
  for (const [given, received] of rows) t.strictSame(converter.incoming(given), received, JSON.stringify(given))
  t.strictSame(converter.outgoing(['a']), ['a'])
  t.strictSame(converter.outgoing(['a', 1, null, 3]), ['a', 1, null, new Float(3)])
  t.strictSame(converter.outgoing(['a', undefined as never]), ['a'], 'undefined is omitted')
  t.throws(() => converter.outgoing([]), { code: 'ERR_INVALID_PARAMETER', message: /expected 1 to 4/ })
  t.throws(() => new MemberConverter([optional(int), String]), { code: 'ERR_INVALID_PARAMETER', message: /last/ })
  t.throws(() => new SurfaceConverters({ score: optional(int) as never }, false), { code: 'ERR_INVALID_PARAMETER' })
})

t.test('allows a method without checks beside methods with checks', async t => {
  const converters = new SurfaceConverters({ hit: [int], chat: unchecked }, false)
  t.same(converters.of('method', 'chat').incoming([1, 'x', null]), [1, 'x', null])
  t.equal(converters.of('method', 'hit').incoming(['x']), undefined)
  t.throws(() => converters.of('property', 'chat'), { code: 'ERR_INVALID_PARAMETER' })
  t.same(methodsOf({ hit: [int], chat: unchecked, score: int }), ['hit', 'chat'])
})

t.test('a plain object may be sent as a Map', async t => {
  const converter = new MemberConverter([Map])
  t.strictSame(converter.outgoing([{
    hp: 1,
    pos: new Vector2(1, 2)
  }]), [new Map<string, Variant>([['hp', 1], ['pos', new Vector2(1, 2)]])])
  t.strictSame(converter.outgoing([Object.assign(Object.create(null), { a: 1 })]), [new Map([['a', 1]])])
  t.throws(() => converter.outgoing([new Vector2(1, 2)]), {
    code: 'ERR_INVALID_PARAMETER', message: 'argument 1: expected Dictionary, got a Vector2'
  }, 'not for an instance of a class')
})

t.test('rejects a sent value of another kind', async t => {
  const rows: Array<[kind: Kind, good: Variant[], bad: unknown[]]> = [
    [int, [3, 3.5, new Float(3), big], ['3', true, null, undefined, NaN]],
    [float, [3, NaN, new Float(3), big], ['3', true, null, undefined]],
    [Number, [3, 3.5, new Float(3), big], ['3', true, null, undefined]],
    [BigInt, [3, big], [3.5, '3']],
    [String, ['', new StringName('x')], [3, null, undefined]],
    [StringName, ['x', new StringName('x')], [3]],
    [Boolean, [true, false], [0, 'true', undefined]],
    [Array, [[], new TypedArray('int')], [new Map(), null]],
    [Map, [new Map(), {}, new TypedDictionary('int', 'int')], [[], null]],
    [Vector2, [new Vector2()], [null, { x: 1, y: 2 }, undefined]],
    [variant, [null, 3, 'x'], [undefined]],
    [exact, [null, 3, 'x'], [undefined]]
  ]
  for (const [kind, good, bad] of rows) {
    const converter = new MemberConverter([kind])
    for (const value of good) t.doesNotThrow(() => converter.outgoing([value]), `${kindName(kind)} ${String(value)}`)
    for (const value of bad) {
      t.throws(() => converter.outgoing([value as Variant]), { code: 'ERR_INVALID_PARAMETER' }, kindName(kind))
    }
  }
  t.throws(() => new MemberConverter([float]).outgoing([undefined as never], () => 'property speed'), {
    message: 'property speed: expected float, got undefined'
  })
})

t.test('typed containers: elements are checked and converted both ways', async t => {
  const ints = new MemberConverter([arrayOf(int)])
  t.strictSame(ints.outgoing([[1, 2.5]]), [new TypedArray('int', [1, 2])])
  t.strictSame(ints.incoming([new TypedArray('int', [1, 2])]), [[1, 2]])
  t.strictSame(ints.incoming([[1, 2]]), [[1, 2]], 'an untyped array of such elements')
  t.equal(ints.incoming([[1, 'x']]), undefined)
  t.equal(ints.incoming([new Map()]), undefined)
  t.throws(() => ints.outgoing([[1, 'x']]), { message: 'argument 1: expected Array[int], got a Array' })
  const scores = new MemberConverter([dictionaryOf(String, float)])
  t.strictSame(scores.outgoing([{ a: 1 }]), [new TypedDictionary('String', 'float', new Map([['a', float(1)]]))])
  t.strictSame(scores.incoming([new TypedDictionary('String', 'float', new Map([['a', 1]]))]), [new Map([['a', 1]])])
  t.equal(scores.incoming([new Map([[1, 1]])]), undefined)
  t.equal(scores.incoming([[]]), undefined)
  t.throws(() => scores.outgoing([{ a: 'x' }]), { message: /expected Dictionary\[String, float\]/ })
  t.throws(() => scores.outgoing([3]), { code: 'ERR_INVALID_PARAMETER' })
  const [quats] = new MemberConverter([arrayOf(Quat)]).outgoing([[new Quat()]])
  t.equal((quats as TypedArray).type, 'Quaternion')
  t.strictSame(new MemberConverter([arrayOf(variant)]).outgoing([[1, 'x']]), [new TypedArray('Variant', [1, 'x'])])
  for (const kind of [arrayOf(arrayOf(int)), dictionaryOf(String, dictionaryOf(int, int)), arrayOf(Number)]) {
    t.throws(() => new MemberConverter([kind]), { code: 'ERR_INVALID_PARAMETER' })
  }
})

t.test('typed containers arrive in Godot 4 as it sends them itself', async t => {
  const [list] = new MemberConverter([arrayOf(int)]).outgoing([[1, 2]])
  t.equal(Buffer.from(encodeVariant4(list)).toString('hex'), '1c000100' + '02000000' + '02000000' +
    '0200000001000000' + '0200000002000000')
  const [pairs] = new MemberConverter([dictionaryOf(String, int)]).outgoing([{}])
  t.match(Buffer.from(encodeVariant4(pairs)).toString('hex'), /^1b0005000400000002000000/)
})

t.test('rejects an invalid kind', async t => {
  for (const kind of ['String', null, undefined, 5, () => 1]) {
    t.throws(() =>
      new SurfaceConverters({ join: [kind as never] }, false), { code: 'ERR_INVALID_PARAMETER' }, String(kind))
  }
})

t.test('without a declaration values pass unchanged', async t => {
  const converter = new SurfaceConverters(undefined, false).of('method', 'anything')
  t.same(converter.incoming([1, 'x', null]), [1, 'x', null])
  t.same(converter.outgoing([1, 'x', null]), [1, 'x', null])
})

t.test('finds a member by its kind and name only', async t => {
  const converters = new SurfaceConverters({ join: [String], score: int }, false)
  t.ok(converters.of('method', 'join'))
  t.ok(converters.of('property', 'score'))
  for (const [kind, name] of [
    ['property', 'join'], ['method', 'score'], ['method', 'leave'], ['method', 'toString']
  ] as const) {
    t.throws(() => converters.of(kind, name), { code: 'ERR_INVALID_PARAMETER', message: new RegExp(name) })
  }
})

t.test('dictionary keys that collide once they are converted are refused', async t => {
  const keys = Array.from({ length: 400_000 }, (_, key) => key)
  const asBigInts = keys.filter(key => (hashOf(BigInt(key)) & 0x3ff) === 7)
  const asInts = collidingInts(asBigInts.length)
  const dictionary = (keys: readonly Variant[]): Variant => new Map(keys.map(key => [key, null]))
  const rows: Array<[kind: Kind, colliding: readonly Variant[], honest: (at: number) => Variant]> = [
    [BigInt, asBigInts, at => at],
    [int, asInts.map(key => new Float(key)), at => new Float(at)],
    [float, asInts.map(key => new Float(key)), at => new Float(at)]
  ]
  for (const [kind, colliding, honest] of rows) {
    const converter = new MemberConverter([dictionaryOf(kind, variant)], true)
    t.equal(converter.incoming([dictionary(colliding)]), undefined, kindName(kind))
    t.equal((converter.incoming([dictionary(colliding.map((_, at) => honest(at)))]) as any)[0].size, colliding.length)
  }
})
