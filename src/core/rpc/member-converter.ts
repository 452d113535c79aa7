import { GodotError } from '../../error.ts'
import { Float, float, int, StringName, TypedArray, TypedDictionary } from '../../protocol/variant/variant-types.ts'
import type { Variant } from '../../protocol/variant/variant-types.ts'
import { exact, isMethod, isNames, Optional, unchecked, variant } from './rpc-surface.ts'
import type { Kind, MemberKind, NodeSurface, Parameter } from './rpc-surface.ts'

/** Converts values of one kind. */
interface Converter {
  /** What a handler gets for a received value, undefined if the value is of another kind. */
  incoming (value: Variant): Variant | undefined
  /** What is sent for a value of the application. */
  outgoing (value: Variant): Variant
}

const same = (value: Variant): Variant => value
const receiving = (incoming: Converter['incoming']): Converter => ({ incoming, outgoing: same })
const only = (is: (value: Variant) => boolean): Converter => receiving(value => is(value) ? value : undefined)
const plain = (value: Variant): Variant => value instanceof Float ? value.value : value
const isSafe = (value: Variant): value is number => Number.isSafeInteger(value)

const converters = new Map<Kind, Converter>([
  [int, {
    incoming: value => isSafe(plain(value)) ? plain(value) : undefined,
    outgoing: value => int(value as number)
  }],
  // A whole real may have been sent as an int; it is sent on as a real.
  [float, {
    incoming: value => typeof plain(value) === 'number' || typeof value === 'bigint' ? Number(value) : undefined,
    outgoing: value => float(value as number)
  }],
  [Number, receiving(value => typeof plain(value) === 'number' ? plain(value) : undefined)],
  [BigInt, receiving(value => {
    const number = plain(value)
    return typeof number === 'bigint' || isSafe(number) ? BigInt(number) : undefined
  })],
  // What a typed function of GDScript takes: `Node.name` is a StringName in Godot 4, and an Array may have a type.
  [String, receiving(value => {
    const text = value instanceof StringName ? value.text : value
    return typeof text === 'string' ? text : undefined
  })],
  [StringName, receiving(value => {
    const name = typeof value === 'string' ? new StringName(value) : value
    return name instanceof StringName ? name : undefined
  })],
  [Array, receiving(value => value instanceof TypedArray ? value.items : value instanceof Array ? value : undefined)],
  [Map, {
    incoming: value => value instanceof TypedDictionary ? value.pairs : value instanceof Map ? value : undefined,
    outgoing: value => isPlainObject(value) ? new Map(Object.entries(value)) : value
  }],
  [Boolean, only(value => typeof value === 'boolean')],
  [variant, only(() => true)],
  [exact, only(() => true)]
])

function isPlainObject (value: Variant): value is { readonly [key: string]: Variant } {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function converterOf (kind: Kind): Converter {
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
function converterOfParameter (parameter: Parameter): Converter {
  if (!(parameter instanceof Optional)) return converterOf(parameter)
  const converter = converterOf(parameter.kind)
  if (parameter.default !== null) return converter
  return {
    incoming: value => value === null ? null : converter.incoming(value),
    outgoing: value => value === null ? null : converter.outgoing(value)
  }
}

/** Checks the values that are received for one member, and converts those that are sent to it. */
export class MemberConverter {
  /** Whether reals that are whole numbers are received as `Float`; given for each value where they differ. */
  readonly exactFloats: boolean | readonly boolean[]
  readonly #converters: readonly Converter[] | undefined
  readonly #defaults: readonly unknown[]
  readonly #required: number

  /**
   * Without `parameters` nothing is checked or converted. ERR_INVALID_PARAMETER when a required one follows an optional
   * one.
   */
  constructor (parameters: readonly Parameter[] | undefined, exactTypes = false) {
    this.#converters = parameters?.map(converterOfParameter)
    this.#defaults = parameters?.map(parameter => parameter instanceof Optional ? parameter.default : undefined) ?? []
    const first = parameters?.findIndex(parameter => parameter instanceof Optional) ?? -1
    this.#required = first === -1 ? this.#defaults.length : first
    const isSorted = parameters?.slice(this.#required).every(parameter => parameter instanceof Optional) ?? true
    if (!isSorted) throw new GodotError('ERR_INVALID_PARAMETER', 'optional parameters must come last')
    const exactValues = parameters?.map(parameter => exactTypes || kindOf(parameter) === exact) ?? []
    this.exactFloats = exactValues.every(isExact => isExact === exactTypes) ? exactTypes : exactValues
  }

  /** The values as the handler gets them; undefined when there are too many, too few, or one is of another kind. */
  incoming (values: readonly Variant[]): readonly Variant[] | undefined {
    if (this.#converters === undefined) return values
    if (!this.#isCount(values.length)) return undefined
    const converted: unknown[] = values.length === this.#defaults.length ? [] : [...this.#defaults]
    for (let i = 0; i < values.length; i++) {
      const value = this.#converters[i].incoming(values[i])
      if (value === undefined) return undefined
      converted[i] = value
    }
    return converted as Variant[]
  }

  /** The values as they are sent. ERR_INVALID_PARAMETER when there are too many or too few. */
  outgoing (values: readonly Variant[]): readonly Variant[] {
    if (this.#converters === undefined) return values
    const given = withoutTrailing(values)
    if (!this.#isCount(given.length)) {
      throw new GodotError('ERR_INVALID_PARAMETER', `${given.length} arguments: expected ${this.#expected}`)
    }
    const converted: Variant[] = []
    for (let i = 0; i < given.length; i++) converted.push(this.#converters[i].outgoing(given[i]))
    return converted
  }

  #isCount (count: number): boolean {
    return count >= this.#required && count <= this.#defaults.length
  }

  get #expected (): string {
    const most = this.#defaults.length
    return this.#required === most ? `${most}` : `${this.#required} to ${most}`
  }
}

/** Values up to the last one that is not undefined. */
function withoutTrailing (values: readonly Variant[]): readonly Variant[] {
  if (values.at(-1) !== undefined) return values
  return values.slice(0, values.findLastIndex(value => value !== undefined) + 1)
}

function checkedProperty (name: string, kind: Parameter): Kind {
  if (kind instanceof Optional) {
    throw new GodotError('ERR_INVALID_PARAMETER', `property ${name}: only parameters can be optional`)
  }
  return kind
}

function kindOf (parameter: Parameter): Kind {
  return parameter instanceof Optional ? parameter.kind : parameter
}

/** The members that a node was declared to have. */
export class SurfaceConverters {
  readonly #declared: { readonly [Name in MemberKind]: Map<string, MemberConverter> } | undefined
  readonly #unchecked: MemberConverter
  readonly #exactTypes: boolean

  /** Without a surface, or with names alone, every member may be used and nothing is checked. */
  constructor (surface: NodeSurface | undefined, exactTypes: boolean) {
    this.#exactTypes = exactTypes
    this.#unchecked = this.#converter(undefined)
    if (surface === undefined || isNames(surface)) return
    this.#declared = { method: new Map(), property: new Map() }
    for (const [name, member] of Object.entries(surface)) {
      if (!isMethod(member)) this.#declared.property.set(name, this.#converter([checkedProperty(name, member)]))
      else this.#declared.method.set(name, member === unchecked ? this.#unchecked : this.#converter(member))
    }
  }

  /** ERR_INVALID_PARAMETER when no such member is declared. */
  of (kind: MemberKind, name: string): MemberConverter {
    if (this.#declared === undefined) return this.#unchecked
    const converter = this.#declared[kind].get(name)
    if (converter === undefined) throw new GodotError('ERR_INVALID_PARAMETER', `${kind} ${name} is not declared`)
    return converter
  }

  #converter (parameters: readonly Parameter[] | undefined): MemberConverter {
    return new MemberConverter(parameters, this.#exactTypes)
  }
}
