import { GodotError } from '../../error.ts'
import type { Variant } from '../../protocol/variant/variant-types.ts'
import { converterOfParameter, kindName } from './kind-converter.ts'
import type { KindConverter } from './kind-converter.ts'
import { ArrayOf, DictionaryOf, exact, isMethod, isNames, Optional, unchecked } from './rpc-surface.ts'
import type { Kind, MemberKind, NodeSurface, Parameter } from './rpc-surface.ts'

/** Checks the values that are received for one member, and converts those that are sent to it. */
export class MemberConverter {
  /** Whether reals that are whole numbers are received as `Float`; given for each value where they differ. */
  readonly exactFloats: boolean | readonly boolean[]
  readonly #converters: readonly KindConverter[] | undefined
  readonly #parameters: readonly Parameter[]
  readonly #defaults: readonly unknown[]
  readonly #required: number

  /**
   * Without `parameters` nothing is checked or converted. ERR_INVALID_PARAMETER when a required one follows an optional
   * one.
   */
  constructor (parameters: readonly Parameter[] | undefined, exactTypes = false) {
    this.#converters = parameters?.map(converterOfParameter)
    this.#parameters = parameters ?? []
    this.#defaults = parameters?.map(parameter => parameter instanceof Optional ? parameter.default : undefined) ?? []
    const first = parameters?.findIndex(parameter => parameter instanceof Optional) ?? -1
    this.#required = first === -1 ? this.#defaults.length : first
    const isSorted = parameters?.slice(this.#required).every(parameter => parameter instanceof Optional) ?? true
    if (!isSorted) throw new GodotError('ERR_INVALID_PARAMETER', 'optional parameters must come last')
    const exactValues = parameters?.map(parameter => exactTypes || isExact(kindOf(parameter))) ?? []
    const [one = exactTypes] = exactValues
    this.exactFloats = exactValues.every(isExact => isExact === one) ? one : exactValues
  }

  /** The values as the handler gets them; undefined when there are too many or too few, or one is of another kind. */
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

  /** Why `incoming` accepts none of these values; `what` names one. */
  faultOf (values: readonly Variant[], what: (at: number) => string = argument): string {
    if (!this.#isCount(values.length)) return this.#countFault(values.length)
    const at = values.findIndex((value, at) => this.#converters![at].incoming(value) === undefined)
    return this.#kindFault(at, values[at], what)
  }

  /**
   * The values as they are sent. ERR_INVALID_PARAMETER when there are too many or too few, or one is of another kind;
   * `what` names them in messages.
   */
  outgoing (values: readonly Variant[], what: (at: number) => string = argument): readonly Variant[] {
    if (this.#converters === undefined) return values
    const given = values.length > this.#required ? withoutTrailing(values) : values
    if (!this.#isCount(given.length)) throw new GodotError('ERR_INVALID_PARAMETER', this.#countFault(given.length))
    const converted: Variant[] = []
    for (let i = 0; i < given.length; i++) {
      const value = this.#converters[i].outgoing(given[i])
      if (value === undefined) throw new GodotError('ERR_INVALID_PARAMETER', this.#kindFault(i, given[i], what))
      converted.push(value)
    }
    return converted
  }

  #isCount (count: number): boolean {
    return count >= this.#required && count <= this.#defaults.length
  }

  #countFault (count: number): string {
    const most = this.#defaults.length
    return `${count} arguments: expected ${this.#required === most ? most : `${this.#required} to ${most}`}`
  }

  #kindFault (at: number, value: Variant, what: (at: number) => string): string {
    return `${what(at)}: expected ${kindName(kindOf(this.#parameters[at]))}, got ${describe(value)}`
  }
}

function argument (at: number): string {
  return `argument ${at + 1}`
}

function describe (value: unknown): string {
  if (typeof value === 'object' && value !== null) return `a ${value.constructor?.name ?? 'object'}`
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value)
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

/** Whether values of a kind, or in it, keep Godot's types. */
function isExact (kind: Kind): boolean {
  if (kind instanceof ArrayOf) return isExact(kind.element)
  return kind === exact || (kind instanceof DictionaryOf && [kind.key, kind.value].some(isExact))
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
