import type { float, int, StringName, Variant } from '../../protocol/variant/variant-types.ts'

/** What a member of a node is: it can be called, or set. */
export type MemberKind = 'method' | 'property'

/** The kind of a parameter that takes any value. */
export const variant: unique symbol = Symbol('variant')

/**
 * As `variant`, with Godot's types kept exactly (a whole real is a `Float`): what arrives can be passed on unchanged.
 */
export const exact: unique symbol = Symbol('exact')

/** In place of a list of parameters: a method whose arguments are not checked. */
export const unchecked: unique symbol = Symbol('unchecked')

/**
 * What a parameter or a property is: `int`, `float`, `Number` (an int or a real), `BigInt` (an int of 64 bits),
 * `String`, `Boolean`, `Array`, `Map` (a Dictionary), a class of values such as `Vector2` or `Uint8Array` (a
 * PoolByteArray), `variant`, which is any, or `exact`; with Godot 4 also `arrayOf(int)` and
 * `dictionaryOf(String, int)`.
 */
export type Kind = typeof int | typeof float | NumberConstructor | BigIntConstructor | StringConstructor |
  BooleanConstructor | ArrayConstructor | MapConstructor | (new (...args: any[]) => Variant & object) |
  typeof variant | typeof exact | ArrayOf<any> | DictionaryOf<any, any>

/** The kind of Godot 4's `Array[int]`; see `arrayOf`. */
export class ArrayOf<Element extends Kind = Kind> {
  /** Kind of the elements. */
  readonly element: Element

  constructor (element: Element) {
    this.element = element
  }
}

/** The kind of Godot 4's `Dictionary[String, int]`; see `dictionaryOf`. */
export class DictionaryOf<Key extends Kind = Kind, Value extends Kind = Kind> {
  /** Kind of the keys. */
  readonly key: Key
  /** Kind of the values. */
  readonly value: Value

  constructor (key: Key, value: Value) {
    this.key = key
    this.value = value
  }
}

/**
 * The kind of Godot 4's `Array[int]`: elements are checked, and it is sent as a typed array. Handlers get an array. A
 * class or script as the element type is not supported.
 */
export function arrayOf<Element extends Kind> (element: Element): ArrayOf<Element> {
  return new ArrayOf(element)
}

/**
 * The kind of Godot 4's `Dictionary[String, int]`: keys and values are checked, and it is sent as a typed dictionary.
 * Handlers get a `Map`; `variant` is any.
 */
export function dictionaryOf<Key extends Kind, Value extends Kind> (key: Key, value: Value): DictionaryOf<Key, Value> {
  return new DictionaryOf(key, value)
}

/** A trailing parameter that callers may leave out; see `optional`. */
export class Optional<K extends Kind = Kind, Default = unknown> {
  /** Kind of the parameter. */
  readonly kind: K
  /** Value that the handler gets when callers leave it out. */
  readonly default: Default

  constructor (kind: K, value: Default) {
    this.kind = kind
    this.default = value
  }
}

/**
 * A trailing parameter that callers may leave out, as in `remote func add(name, color = null)`. The handler gets
 * `value` then, `undefined` without one. With the default `null` callers may send null as well.
 */
export function optional<K extends Kind> (kind: K): Optional<K, undefined>
export function optional<K extends Kind, const Default extends ValueOf<K> | null> (
  kind: K,
  value: Default
): Optional<K, Default>
export function optional (kind: Kind, value?: unknown): Optional {
  return new Optional(kind, value)
}

/** A parameter of a method. */
export type Parameter = Kind | Optional<Kind, any>

/**
 * What a node has: methods as lists of the kinds of their parameters, or `unchecked`; properties as their kind.
 * `{ join: [String, optional(Color)], state: [int, PoolVector2Array], chat: unchecked, score: int } as const`
 */
export interface Surface { readonly [name: string]: Kind | readonly Parameter[] | typeof unchecked }

/** The same, or just the names of the methods: then their arguments are not checked. */
export type NodeSurface = Surface | readonly string[]

/** The names of the methods that a surface declares. */
export function methodsOf (surface: NodeSurface): readonly string[] {
  return isNames(surface) ? surface : Object.keys(surface).filter(name => isMethod(surface[name]))
}

/** Whether a surface consists of names. */
export function isNames (surface: NodeSurface): surface is readonly string[] {
  return surface instanceof Array
}

/** Whether a member of a surface is a method. */
export function isMethod (member: Surface[string]): member is readonly Parameter[] | typeof unchecked {
  return member instanceof Array || member === unchecked
}

/** The type of the values of a kind. */
export type ValueOf<K> =
  K extends StringConstructor ? string
    : K extends BooleanConstructor ? boolean
      : K extends BigIntConstructor ? bigint
        : K extends ArrayConstructor ? readonly Variant[]
          : K extends MapConstructor ? ReadonlyMap<Variant, Variant>
            : K extends NumberConstructor | typeof int | typeof float ? number
              : K extends typeof variant | typeof exact ? Variant
                : K extends ArrayOf<infer Element> ? ReadonlyArray<ValueOf<Element>>
                  : K extends DictionaryOf<infer Key, infer Value> ? ReadonlyMap<ValueOf<Key>, ValueOf<Value>>
                    // What its constructor returns would be too narrow for bytes: `Uint8Array<ArrayBuffer>`.
                    : K extends { readonly prototype: infer Value } ? Value : never

/** Marks the type of a method whose handler gets other arguments than its callers give. */
declare const handled: unique symbol

/** A method with default values: callers may leave arguments out, its handler gets all of them. */
export type DefaultedMethod<Given extends unknown[], Handled extends unknown[]> =
  ((...args: Given) => void) & { readonly [handled]: Handled }

/** The members that a surface declares, as an interface would: `{ join (name: string): void, score: number }`. */
export type MembersOf<S> = {
  -readonly [Name in keyof S]: S[Name] extends readonly Parameter[] ? MethodOf<S[Name]>
    : S[Name] extends typeof unchecked ? (...args: any[]) => void : ValueOf<S[Name]>
}

type MethodOf<Parameters extends readonly unknown[]> =
  HasDefaults<Parameters> extends true ? DefaultedMethod<GivenTo<Parameters>, HandledOf<Parameters>>
    : OptionalOf<Parameters> extends never ? (...args: ValuesOf<Parameters>) => void
      : (...args: GivenTo<Parameters>) => void

type OptionalOf<Parameters extends readonly unknown[]> = Extract<Parameters[number], Optional<any, any>>
type HasDefaults<Parameters extends readonly unknown[]> =
  OptionalOf<Parameters>['default'] extends undefined ? false : true

type ValuesOf<Kinds extends readonly unknown[]> = { -readonly [At in keyof Kinds]: ValueOf<Kinds[At]> }

type GivenTo<Parameters extends readonly unknown[]> = Parameters extends readonly [infer First, ...infer Rest]
  ? First extends Optional<infer K, infer Default>
    ? [value?: ValueOf<K> | Extract<Default, null>, ...rest: GivenTo<Rest>] : [ValueOf<First>, ...GivenTo<Rest>]
  : []

type HandledOf<Parameters extends readonly unknown[]> = Parameters extends readonly [infer First, ...infer Rest]
  ? [HandledValue<First>, ...HandledOf<Rest>]
  : []

type HandledValue<P> =
  P extends Optional<infer K, infer Default> ? ValueOf<K> | Extract<Default, null | undefined> : ValueOf<P>

type IsAny<T> = 0 extends 1 & T ? true : false

/** Names of the methods among the members of a node. */
export type MethodName<Members> =
  { [Name in keyof Members]: Members[Name] extends (...args: any[]) => any ? Name : never }[keyof Members] & string

/** Names of the properties among the members of a node. */
export type PropertyName<Members> = {
  [Name in keyof Members]: IsAny<Members[Name]> extends true ? Name
    : Members[Name] extends (...args: any[]) => any ? never : Name
}[keyof Members] & string

/** The arguments of a method. */
export type ArgumentsOf<Method> =
  IsAny<Method> extends true ? any[] : Method extends (...args: infer Arguments) => any ? Arguments : never

/** What may be sent as a value: a plain object wherever a Dictionary is declared whose keys may be strings. */
export type Sendable<Value> =
  IsAny<Value> extends true ? any
    : Value extends ReadonlyMap<infer Key, infer Element> ? Value | SendableObject<Key, Element> : Value

type SendableObject<Key, Element> =
  Extract<Key, string | StringName> extends never ? never : { readonly [key: string]: Sendable<Element> }

/** What may be sent as the arguments of a method. */
export type SendableArguments<Method> = ArgumentsOf<Method> extends infer Arguments extends unknown[]
  ? { [At in keyof Arguments]: Sendable<Arguments[At]> } : never

/** The arguments that the handler of a method gets. */
export type HandledArguments<Method> =
  IsAny<Method> extends true ? any[]
    : Method extends { readonly [handled]: infer Arguments extends unknown[] } ? Arguments : ArgumentsOf<Method>

/** Carries out a call: `sender` is the id of the peer that calls, 1 for the server itself. The result is ignored. */
export type MethodHandler<Method> = (sender: number, ...args: HandledArguments<Method>) => unknown

/** Takes a new value of a property. */
export type PropertySetter<Value> = (sender: number, value: Value) => unknown
