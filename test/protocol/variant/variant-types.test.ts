import t from 'tap'
import * as types from '../../../src/protocol/variant/variant-types.ts'

const { Float, NodePath, PoolVector2Array, Vector2, Vector3, float, int, isInt } = types

t.test('values have Godot\'s defaults', async t => {
  t.match(new types.Vector2(), { x: 0, y: 0 })
  t.match(new types.Rect2(), { position: { x: 0, y: 0 }, size: { x: 0, y: 0 } })
  t.match(new types.Vector3(), { x: 0, y: 0, z: 0 })
  t.match(new types.Transform2D(), { x: { x: 1, y: 0 }, y: { x: 0, y: 1 }, origin: { x: 0, y: 0 } })
  t.match(new types.Plane(), { normal: { x: 0, y: 0, z: 0 }, d: 0 })
  t.match(new types.Quat(), { x: 0, y: 0, z: 0, w: 1 })
  t.match(new types.AABB(), { position: new Vector3(), size: new Vector3() })
  t.match(new types.Transform(), {
    basis: { x: new Vector3(1, 0, 0), y: new Vector3(0, 1, 0), z: new Vector3(0, 0, 1) },
    origin: new Vector3()
  })
  t.match(new types.Color(), { r: 0, g: 0, b: 0, a: 1 })
  t.match(new types.RID(), { id: 0n })
  t.match(new types.NodePath(), { names: [], subnames: [], absolute: false })
  t.equal(new types.EncodedObject('Node').properties.size, 0)
  t.equal(new types.PoolStringArray().length, 0)
})

t.test('pool arrays of numbers are typed arrays', async t => {
  t.same([types.PoolByteArray, types.PoolIntArray, types.PoolRealArray], [Uint8Array, Int32Array, Float32Array])
})

t.test('pool arrays have length and items, and are iterable', async t => {
  const array = new PoolVector2Array([new Vector2(1, 2), new Vector2(3, 4)])
  t.equal(array.length, 2)
  t.equal(array.items[1].y, 4)
  t.same([...array].map(({ x }) => x), [1, 3])
})

t.test('a node path is parsed from and converted to text', async t => {
  const paths: Array<[text: string, names: string[], subnames: string[], absolute: boolean]> = [
    ['', [], [], false],
    ['a', ['a'], [], false],
    ['/root/Main', ['root', 'Main'], [], true],
    ['../Abcd/.', ['..', 'Abcd', '.'], [], false],
    [':x', [], ['x'], false],
    ['node:position:x', ['node'], ['position', 'x'], false],
    ['/root/Abcd:prop', ['root', 'Abcd'], ['prop'], true]
  ]
  for (const [text, names, subnames, absolute] of paths) {
    t.match(new NodePath(text), { names, subnames, absolute }, text)
    t.equal(`${new NodePath({ names, subnames, absolute })}`, text)
  }
  t.match(new NodePath('a//b/:x:'), { names: ['a', 'b'], subnames: ['x'] })
})

t.test('a StringName converts to its text', async t => {
  const name = new types.StringName('jump')
  t.equal(`${name}`, 'jump')
  t.equal(JSON.stringify({ name }), '{"name":"jump"}')
})

t.test('a Float converts to its number', async t => {
  const three = new Float(3)
  t.equal(+three + 1, 4)
  t.equal(`${three}`, '3')
  t.equal(JSON.stringify({ three }), '{"three":3}')
})

t.test('safe integers are ints', async t => {
  for (const value of [0, 1, -1, 2 ** 53 - 1, -(2 ** 53) + 1]) t.ok(isInt(value), `${value}`)
  for (const value of [-0, 0.5, NaN, Infinity, 2 ** 53, -(2 ** 53)]) t.notOk(isInt(value), `${value}`)
})

t.test('int() returns a value that is sent as an int', async t => {
  t.strictSame([int(3), int(3.9), int(-3.9), int(-0.5), int(-0), int(5n), int(new Float(7))], [3, 3, -3, 0, 0, 5, 7])
  t.strictSame([int(2 ** 53), int(2n ** 53n + 1n), int(-1e18)], [2n ** 53n, 2n ** 53n + 1n, -(10n ** 18n)])
  for (const value of [NaN, Infinity, 2 ** 63, 2n ** 63n, -(2n ** 63n) - 1n]) {
    t.throws(() => int(value), { code: 'ERR_INVALID_PARAMETER' })
  }
})

t.test('float() returns a value that is sent as a real', async t => {
  t.strictSame([
    float(3), float(0), float(5n), float(new Float(7))
  ], [new Float(3), new Float(0), new Float(5), new Float(7)])
  t.strictSame([float(0.5), float(-0), float(2 ** 53), float(NaN)], [0.5, -0, 2 ** 53, NaN])
})
