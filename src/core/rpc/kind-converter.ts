import { GodotError } from '../../error.ts'
import { areColliding } from '../../protocol/variant/collision-guard.ts'
import { isPlainObject } from '../../protocol/variant/plain-object.ts'
import * as types from '../../protocol/variant/variant-types.ts'
import type { Variant } from '../../protocol/variant/variant-types.ts'
import { ArrayOf, DictionaryOf, exact, Optional, variant } from './rpc-surface.ts'
import type { Kind, Parameter } from './rpc-surface.ts'

/** Converts values of one kind. */
export interface KindConverter {
  /** What a handler gets for a received value, undefined if the value is of another kind. */
  incoming (value: Variant): Variant | undefined
  /** What is sent for a value of the application, undefined if the value is of another kind. */
  outgoing (value: Variant): Variant | undefined
}

/** Values are sent as they are. */
const receiving = (incoming: KindConverter['incoming']): KindConverter => ({
  incoming, outgoing: value => incoming(value) === undefined ? undefined : value
})
const only = (is: (value: Variant) => boolean): KindConverter => receiving(value => is(value) ? value : undefined)
const plain = (value: Variant): Variant => value instanceof types.Float ? value.value : value
const isSafe = (value: Variant): value is number => Number.isSafeInteger(value)
const isNumber = (value: Variant): value is number | bigint | types.Float =>
  typeof value === 'number' || typeof value === 'bigint' || value instanceof types.Float

const converters = new Map<Kind, KindConverter>([
  [types.int, {
    incoming: value => isSafe(plain(value)) ? plain(value) : undefined,
    outgoing: value => isNumber(value) ? types.int(value) : undefined
  }],
  // A whole real may have been sent as an int; it is sent on as a real.
  [types.float, {
    incoming: value => isNumber(value) ? Number(value) : undefined,
    outgoing: value => isNumber(value) ? types.float(value) : undefined
  }],
  [Number, {
    incoming: value => isNumber(value) ? Number(value) : undefined,
    outgoing: value => isNumber(value) ? value : undefined
  }],
  [BigInt, { incoming: bigIntOf, outgoing: bigIntOf }],
  // What a typed function of GDScript takes: `Node.name` is a StringName in Godot 4, and an Array may have a type.
  [String, receiving(value => {
    const text = value instanceof types.StringName ? value.text : value
    return typeof text === 'string' ? text : undefined
  })],
  [types.StringName, receiving(value => {
    const name = typeof value === 'string' ? new types.StringName(value) : value
    return name instanceof types.StringName ? name : undefined
  })],
  [Array, receiving(itemsOf)],
  [Map, { incoming: pairsOf, outgoing: value => pairsOf(value) === undefined ? objectPairs(value) : value }],
  [Boolean, only(value => typeof value === 'boolean')],
  [variant, only(value => value !== undefined)],
  [exact, only(value => value !== undefined)]
])

function bigIntOf (value: Variant): bigint | undefined {
  const number = plain(value)
  return typeof number === 'bigint' || isSafe(number) ? BigInt(number) : undefined
}

function itemsOf (value: Variant): readonly Variant[] | undefined {
  return value instanceof types.TypedArray ? value.items : value instanceof Array ? value : undefined
}

function pairsOf (value: Variant): ReadonlyMap<Variant, Variant> | undefined {
  return value instanceof types.TypedDictionary ? value.pairs : value instanceof Map ? value : undefined
}

/** A plain object as a dictionary. */
function objectPairs (value: Variant): ReadonlyMap<Variant, Variant> | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  return isPlainObject(value) ? new Map(Object.entries(value)) : undefined
}

/** Godot 4's names of the kinds whose class or function has another one. */
const typeNames = new Map<unknown, string>([
  [types.int, 'int'], [BigInt, 'int'], [types.float, 'float'], [Boolean, 'bool'], [Map, 'Dictionary'],
  [variant, 'Variant'], [exact, 'Variant'], [types.Quat, 'Quaternion'], [types.Transform, 'Transform3D'],
  [Uint8Array, 'PackedByteArray'], [Int32Array, 'PackedInt32Array'], [BigInt64Array, 'PackedInt64Array'],
  [Float32Array, 'PackedFloat32Array'], [Float64Array, 'PackedFloat64Array'],
  [types.PoolStringArray, 'PackedStringArray'], [types.PoolVector2Array, 'PackedVector2Array'],
  [types.PoolVector3Array, 'PackedVector3Array'], [types.PoolColorArray, 'PackedColorArray']
])

/** The type of the elements of a container. Godot has no typed containers in typed containers. */
function elementType (kind: Kind): string {
  if (kind instanceof ArrayOf || kind instanceof DictionaryOf || kind === Number) {
    throw new GodotError('ERR_INVALID_PARAMETER', `a typed container cannot have elements of ${kindName(kind)}`)
  }
  return kindName(kind)
}

/** The kind as messages name it. */
export function kindName (kind: Kind): string {
  if (kind instanceof ArrayOf) return `Array[${kindName(kind.element)}]`
  if (kind instanceof DictionaryOf) return `Dictionary[${kindName(kind.key)}, ${kindName(kind.value)}]`
  return typeNames.get(kind) ?? (typeof kind === 'function' ? kind.name : String(kind))
}

type Convert = (value: Variant) => Variant | undefined

/** Undefined if one of the values is. */
function all (values: readonly Variant[], convert: Convert): Variant[] | undefined {
  const converted: Variant[] = []
  for (const value of values) {
    const one = convert(value)
    if (one === undefined) return undefined
    converted.push(one)
  }
  return converted
}

/** Converted keys may collide where those that were read did not: a `Float` becomes a number, an int a bigint. */
function allPairs (
  pairs: ReadonlyMap<Variant, Variant>, key: Convert, value: Convert
): ReadonlyMap<Variant, Variant> | undefined {
  const keys = all([...pairs.keys()], key)
  const values = all([...pairs.values()], value)
  if (keys === undefined || values === undefined || areColliding(keys)) return undefined
  return new Map(keys.map((key, at) => [key, values[at]]))
}

function arrayConverter ({ element }: ArrayOf): KindConverter {
  const { incoming, outgoing } = converterOf(element)
  const type = elementType(element)
  const convert = (value: Variant, one: Convert): Variant[] | undefined => {
    const items = itemsOf(value)
    return items === undefined ? undefined : all(items, one)
  }
  return {
    incoming: value => convert(value, incoming),
    outgoing: value => {
      const items = convert(value, outgoing)
      return items === undefined ? undefined : new types.TypedArray(type, items)
    }
  }
}

function dictionaryConverter ({ key, value: element }: DictionaryOf): KindConverter {
  const [keys, values] = [converterOf(key), converterOf(element)]
  const [keyType, valueType] = [elementType(key), elementType(element)]
  return {
    incoming: value => {
      const pairs = pairsOf(value)
      return pairs === undefined ? undefined : allPairs(pairs, keys.incoming, values.incoming)
    },
    outgoing: value => {
      const given = pairsOf(value) ?? objectPairs(value)
      const pairs = given === undefined ? undefined : allPairs(given, keys.outgoing, values.outgoing)
      return pairs === undefined ? undefined : new types.TypedDictionary(keyType, valueType, pairs)
    }
  }
}

/** ERR_INVALID_PARAMETER for what is not a kind. */
function converterOf (kind: Kind): KindConverter {
  if (kind instanceof ArrayOf) return arrayConverter(kind)
  if (kind instanceof DictionaryOf) return dictionaryConverter(kind)
  const converter = converters.get(kind)
  if (converter !== undefined) return converter
  const isClass = typeof kind === 'function' && kind.prototype !== undefined
  if (isClass) return only(value => value instanceof (kind as new () => object))
  throw new GodotError(
    'ERR_INVALID_PARAMETER',
    `invalid kind ${String(kind)}: expected int, float, String, Vector2 ...`
  )
}

/** A parameter that may be left out also takes null if that is its default. */
export function converterOfParameter (parameter: Parameter): KindConverter {
  if (!(parameter instanceof Optional)) return converterOf(parameter)
  const converter = converterOf(parameter.kind)
  if (parameter.default !== null) return converter
  return {
    incoming: value => value === null ? null : converter.incoming(value),
    outgoing: value => value === null ? null : converter.outgoing(value)
  }
}
