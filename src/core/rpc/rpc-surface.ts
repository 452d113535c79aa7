import { GodotError } from '../../error.ts'
import { float, int, StringName, TypedArray, TypedDictionary } from '../../protocol/variant/variant-types.ts'
import type { Variant } from '../../protocol/variant/variant-types.ts'

/** What a member of a node is: it can be called, or set. */
export type MemberKind = 'method' | 'property'

/** The kind of a parameter that takes any value. */
export const variant: unique symbol = Symbol('variant')

/**
 * What a parameter or a property is: `int`, `float`, `Number` (an int or a real), `BigInt` (an int of 64 bits), `String`, `Boolean`,
 * `Array`, `Map` (a Dictionary), a class of values such as `Vector2` or `Uint8Array` (a PoolByteArray), or `variant`, which is any.
 */
export type Kind = typeof int | typeof float | NumberConstructor | BigIntConstructor | StringConstructor | BooleanConstructor |
  ArrayConstructor | MapConstructor | (new (...args: any[]) => Variant & object) | typeof variant

/**
 * What a node has: methods as lists of the kinds of their parameters, properties as their kind.
 * `{ join: [String], state: [int, PoolVector2Array], score: int } as const`
 */
export interface Surface { readonly [name: string]: Kind | readonly Kind[] }

/** The same, or just the names of its methods: then what they are called with is not checked. */
export type NodeSurface = Surface | readonly string[]

/** The names of the methods that a surface declares. */
export function methodsOf (surface: NodeSurface): readonly string[] {
  return isNames(surface) ? surface : Object.keys(surface).filter(name => surface[name] instanceof Array)
}

function isNames (surface: NodeSurface): surface is readonly string[] {
  return surface instanceof Array
}

/** The type of the values of a kind. */
export type ValueOf<K> =
  K extends StringConstructor ? string
    : K extends BooleanConstructor ? boolean
      : K extends BigIntConstructor ? bigint
        : K extends ArrayConstructor ? readonly Variant[]
          : K extends MapConstructor ? ReadonlyMap<Variant, Variant>
            : K extends NumberConstructor | typeof int | typeof float ? number
              : K extends typeof variant ? Variant
                : K extends new (...args: any[]) => infer Value ? Value : never

/** The members that a surface declares, as an interface would: `{ join (name: string): void, score: number }`. */
export type MembersOf<S> = {
  -readonly [Name in keyof S]: S[Name] extends readonly Kind[] ? (...args: ValuesOf<S[Name]>) => void : ValueOf<S[Name]>
}

type ValuesOf<Kinds extends readonly unknown[]> = { -readonly [At in keyof Kinds]: ValueOf<Kinds[At]> }

/** Values on their way: `take` gives what came in, undefined if it is not of the kind; `give` what is to be sent. */
interface Passage { take (value: Variant): Variant | undefined, give (value: Variant): Variant }

const same = (value: Variant): Variant => value
const taking = (take: Passage['take']): Passage => ({ take, give: same })
const onlyIf = (is: (value: Variant) => boolean): Passage => taking(value => is(value) ? value : undefined)
const passages = new Map<Kind, Passage>([
  [int, { take: value => Number.isSafeInteger(value) ? value : undefined, give: value => int(value as number) }],
  // A whole real may have come as an int; it goes out as a real.
  [float, { take: value => typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined, give: value => float(value as number) }],
  [Number, onlyIf(value => typeof value === 'number')],
  [BigInt, { take: value => Number.isSafeInteger(value) || typeof value === 'bigint' ? BigInt(value as number) : undefined, give: same }],
  // What a typed function of GDScript takes: `Node.name` is a StringName in Godot 4, and an Array may have a type.
  [String, taking(value => value instanceof StringName ? value.text : typeof value === 'string' ? value : undefined)],
  [StringName, taking(value => typeof value === 'string' ? new StringName(value) : value instanceof StringName ? value : undefined)],
  [Array, taking(value => value instanceof TypedArray ? value.items : value instanceof Array ? value : undefined)],
  [Map, taking(value => value instanceof TypedDictionary ? value.pairs : value instanceof Map ? value : undefined)],
  [Boolean, onlyIf(value => typeof value === 'boolean')],
  [variant, onlyIf(() => true)]
])

function passageOf (kind: Kind): Passage {
  const passage = passages.get(kind)
  if (passage !== undefined) return passage
  if (typeof kind !== 'function' || kind.prototype === undefined) throw new GodotError('ERR_INVALID_PARAMETER', `${String(kind)} is no kind of value`)
  return onlyIf(value => value instanceof (kind as new () => object))
}

/** Checks what comes in for one member, and shapes what goes out to it. */
export class MemberPassage {
  readonly #passages: readonly Passage[] | undefined

  /** The kinds of its values; without them, everything passes as it is. */
  constructor (kinds: readonly Kind[] | undefined) {
    this.#passages = kinds?.map(passageOf)
  }

  /** The values as the handler gets them; undefined when they are too many, too few or of another kind. */
  take (values: readonly Variant[]): readonly Variant[] | undefined {
    if (this.#passages === undefined) return values
    if (values.length !== this.#passages.length) return undefined
    const taken = values.map((value, at) => this.#passages![at].take(value))
    return taken.includes(undefined) ? undefined : taken as Variant[]
  }

  /** The values as they are sent; ERR_INVALID_PARAMETER when they are too many or too few. */
  give (values: readonly Variant[]): readonly Variant[] {
    if (this.#passages === undefined) return values
    if (values.length !== this.#passages.length) throw new GodotError('ERR_INVALID_PARAMETER', `${values.length} arguments, declared are ${this.#passages.length}`)
    return values.map((value, at) => this.#passages![at].give(value))
  }
}

const everything = new MemberPassage(undefined)

/** The members that a node was declared to have. */
export class SurfacePassages {
  readonly #declared: { readonly [Name in MemberKind]: Map<string, MemberPassage> } | undefined

  /** Without a surface, or with names alone, every member is taken to be there. */
  constructor (surface: NodeSurface | undefined) {
    if (surface === undefined || isNames(surface)) return
    this.#declared = { method: new Map(), property: new Map() }
    for (const [name, declared] of Object.entries(surface)) {
      if (declared instanceof Array) this.#declared.method.set(name, new MemberPassage(declared))
      else this.#declared.property.set(name, new MemberPassage([declared as Kind]))
    }
  }

  /** The passage of a member; ERR_INVALID_PARAMETER when none is declared under that name. */
  of (kind: MemberKind, name: string): MemberPassage {
    if (this.#declared === undefined) return everything
    const passage = this.#declared[kind].get(name)
    if (passage === undefined) throw new GodotError('ERR_INVALID_PARAMETER', `no ${kind} ${name} is declared`)
    return passage
  }
}
