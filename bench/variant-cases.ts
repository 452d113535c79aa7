import * as types from '../src/protocol/variant/variant-types.ts'
import type { Variant } from '../src/protocol/variant/variant-types.ts'

const { Vector2, Vector3, Color } = types
const position = new Vector2(12.5, -3)
const times = <Item>(count: number, item: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, index) => item(index))

/** One value per Godot type, of typical size, then typical RPC arguments. */
export const cases: Array<[name: string, value: Variant]> = [
  ['Nil', null],
  ['bool', true],
  ['int', 12345],
  ['int, 64 bits', 5_000_000_000],
  ['real', 0.5],
  ['real, whole', types.float(3)],
  ['real, 64 bits', 0.1],
  ['String, 8 characters', 'player_1'],
  ['String, 40 characters', 'The quick brown fox jumps over the dog !'],
  ['String, 12 characters, not ASCII', 'Añejo 日本 😀!'],
  ['Vector2', position],
  ['Rect2', new types.Rect2(position, new Vector2(3, 4))],
  ['Vector3', new Vector3(1, 2.5, -3)],
  ['Transform2D', new types.Transform2D(new Vector2(0.5, 0.5), new Vector2(-0.5, 0.5), position)],
  ['Plane', new types.Plane(new Vector3(0, 1, 0), 5)],
  ['Quat', new types.Quat(0, 0.5, 0, 1)],
  ['AABB', new types.AABB(new Vector3(1, 2, 3), new Vector3(4, 5, 6))],
  ['Basis', new types.Basis()],
  ['Transform', new types.Transform(new types.Basis(), new Vector3(1, 2, 3))],
  ['Color', new Color(1, 0.5, 0.25, 1)],
  ['NodePath', new types.NodePath('/root/Main/Player:position')],
  ['RID', new types.RID()],
  ['Object, by id', new types.EncodedObjectAsID(1296n)],
  ['Dictionary, 4 pairs', new Map<Variant, Variant>([
    ['name', 'José'], ['pos', position], ['hp', 100], ['alive', true]
  ])],
  ['Array, 5 elements', [1, 'two', 0.5, position, null]],
  ['Array, 100 ints', times(100, index => index * 37)],
  ['PoolByteArray, 64', Uint8Array.from(times(64, index => index))],
  ['PoolByteArray, 1024', Uint8Array.from(times(1024, index => index))],
  ['PoolIntArray, 64', Int32Array.from(times(64, index => index * 1000))],
  ['PoolRealArray, 64', Float32Array.from(times(64, index => index / 8))],
  ['PoolStringArray, 8', new types.PoolStringArray(times(8, index => `player_${index}`))],
  ['PoolVector2Array, 32', new types.PoolVector2Array(times(32, index => new Vector2(index, index / 2)))],
  ['PoolVector3Array, 32', new types.PoolVector3Array(times(32, index => new Vector3(index, index / 2, 0)))],
  ['PoolColorArray, 32', new types.PoolColorArray(times(32, index => new Color(index / 32, 0, 0, 1)))],
  ['RPC: input, [int, bool, Vector2]', [5, true, position]],
  ['RPC: chat, [String, String]', ['player_1', 'good game, everyone']],
  ['RPC: score, [Dictionary]', [new Map([['red', 3], ['blue', 5], ['round', 2]])]],
  ['RPC: state of 8 players', times(8, index => new Map<Variant, Variant>([
    ['id', 1000 + index], ['pos', position], ['vel', new Vector2(0.5, 1)], ['hp', 100]
  ]))]
]
