import { GodotError } from '../../error.ts'
import type { ErrorCode } from '../../error.ts'
import { ByteReader, ByteWriter } from '../bytes.ts'
import { guardOf } from './collision-guard.ts'
import type { CollisionGuard } from './collision-guard.ts'
import { isPlainObject } from './plain-object.ts'
import { isInt } from './variant-types.ts'
import type { Variant } from './variant-types.ts'

/**
 * A Variant, little-endian:  | type u8 | 0 u8 | flags u16 | content, by the row of its type ... |
 *
 * This file finds rows and nests values. The types are a table of rows, whose index is the type: variant.ts for Godot
 * 3, variant4.ts for Godot 4.
 */
export interface VariantRow<Value = any> {
  /** Godot's name of the type. */
  readonly name: string
  /** Classes whose instances are written by this row. */
  readonly classes?: ReadonlyArray<{ readonly prototype: object }>
  /** Reads the content after the first word. */
  read (from: VariantReader, word: number): Value
  /** Writes the first word, type and flags, and the content. */
  write (to: VariantWriter, value: Value, type: number): void
}

/** Options of decoding a Variant. */
export interface DecodeOptions {
  /** Accepts objects sent in full, as `EncodedObject`; otherwise they fail with ERR_UNAUTHORIZED. Default false. */
  allowObjects?: boolean
  /**
   * Returns a real that is a whole number (3.0) as a `Float`, which is sent as a real again; false: a number. Default
   * true.
   */
  exactFloats?: boolean
}

/** Options of encoding a Variant. */
export interface EncodeOptions {
  /** Sends an `EncodedObject` in full; otherwise it fails with ERR_UNAUTHORIZED. Default false. */
  allowObjects?: boolean
}

/** Rules of one Godot version in addition to the rows. */
interface Rules {
  /** How many arrays and dictionaries may enclose a value. */
  maxDepth: number
  /** Whether text must be strict UTF-8; otherwise lone surrogates are accepted. */
  strictText: boolean
}

type TypedRow = VariantRow & { readonly type: number }

/** Types of values that JavaScript has itself; the same in every version of Godot. */
const [NIL, BOOL, INT, REAL, STRING] = [0, 1, 2, 3, 4]

/** The rows of one Godot version, by type and by JavaScript value. */
export class VariantTable {
  readonly rows: readonly TypedRow[]
  readonly rules: Rules
  /** The number of each type, by Godot's name. */
  readonly numbers: ReadonlyMap<string, number>
  readonly #byPrototype = new Map<object, TypedRow>()

  constructor (rows: readonly VariantRow[], rules: Rules) {
    this.rows = rows.map((row, type) => ({ ...row, type }))
    this.rules = rules
    this.numbers = new Map(rows.map(({ name }, type) => [name, type]))
    for (const row of this.rows) {
      for (const { prototype } of row.classes ?? []) this.#byPrototype.set(prototype, row)
    }
  }

  /** The row that writes `value`; throws ERR_INVALID_PARAMETER if Godot has no such type. */
  rowOf (value: unknown): TypedRow {
    switch (typeof value) {
      case 'number': return this.rows[isInt(value) ? INT : REAL]
      case 'string': return this.rows[STRING]
      case 'boolean': return this.rows[BOOL]
      case 'bigint': return this.rows[INT]
      case 'object':
        if (value === null) return this.rows[NIL]
        return this.#byPrototype.get(Object.getPrototypeOf(value)) ?? this.#inheritedRow(value)
      default: throw new GodotError('ERR_INVALID_PARAMETER', `cannot encode a ${typeof value} as a Variant`)
    }
  }

  /** The row for an instance of a subclass, such as Buffer, or for a plain object without the usual prototype. */
  #inheritedRow (value: object): TypedRow {
    const prototype = isPlainObject(value) ? Object.prototype : Object.getPrototypeOf(value)
    const isOwn = (at: object): boolean => at !== Object.prototype || at === prototype
    for (let at = prototype; at !== null && isOwn(at); at = Object.getPrototypeOf(at)) {
      const row = this.#byPrototype.get(at)
      if (row !== undefined) return row
    }
    throw new GodotError(
      'ERR_INVALID_PARAMETER',
      `cannot encode ${prototype.constructor.name} as a Variant of this Godot`
    )
  }
}

const EMPTY = new Uint8Array()
const DEFAULTS = {}

/** The keys of one dictionary. */
export interface Keys {
  /** The first key with these bytes, if there is one, else `key` itself. */
  unify (key: Variant, bytes: string): Variant
}

/** A key inside a key: where it is, and a number that it shares with those of the same bytes. */
interface InnerKey { readonly start: number, readonly end: number, readonly number: number }

/** Numbers are written as two characters with 15 bits each, from 0x100 on, so that they differ from those of bytes. */
const [NUMBER_BITS, ABOVE_BYTES] = [15, 0x100]

/** Reads Variants, and other values between them. */
export class VariantReader extends ByteReader {
  allowObjects = false
  exactFloats = true
  readonly table: VariantTable
  #depth = 0
  /** How many keys enclose the next value. */
  #keyDepth = 0
  /** Keys inside the key that is being read, as far as they have been read. */
  #innerKeys: InnerKey[] | undefined
  #numbers: Map<string, number> | undefined
  #numberGuard: CollisionGuard | undefined

  constructor (table: VariantTable) {
    super(EMPTY)
    this.table = table
  }

  /** Prepares for another packet, whether or not the last one was read to its end. */
  begin (bytes: Uint8Array, options: DecodeOptions, start = 0, end = bytes.length): void {
    this.open(bytes, start, end)
    this.#depth = 0
    this.#keyDepth = 0
    this.allowObjects = options.allowObjects ?? false
    this.exactFloats = options.exactFloats ?? true
  }

  /** Drops all references to the packet. */
  clear (): void {
    this.open(EMPTY)
    if (this.#innerKeys !== undefined) this.#innerKeys = undefined
    if (this.#numbers !== undefined) this.#numbers = this.#numberGuard = undefined
  }

  /** Reads a Variant; throws ERR_INVALID_DATA, or ERR_UNAUTHORIZED for an object that is not allowed. */
  variant (): Variant {
    const word = this.i32()
    const row = this.table.rows[word & 0xff] ?? this.fail(`unknown Variant type ${word & 0xff}`, this.offset - 4)
    return row.read(this, word)
  }

  /**
   * The key of a dictionary. Compound keys are compared by their bytes. Those of a key inside a key are represented by
   * a number, so that however deep keys are nested every byte is copied once.
   */
  key (keys: Keys): Variant {
    const start = this.offset
    const outer = this.#innerKeys
    this.#innerKeys = undefined
    this.#keyDepth++
    const key = this.variant()
    this.#keyDepth--
    const isCompound = typeof key === 'object' && key !== null
    const bytes = isCompound ? this.#keyBytes(start) : ''
    this.#innerKeys = outer
    if (!isCompound) return key
    if (this.#keyDepth > 0) (this.#innerKeys ??= []).push({ start, end: this.offset, number: this.#numberOf(bytes) })
    return keys.unify(key, bytes)
  }

  #keyBytes (start: number): string {
    let bytes = ''
    let at = start
    for (const { start, end, number } of this.#innerKeys ?? []) {
      const [high, low] = [number >> NUMBER_BITS, number & (1 << NUMBER_BITS) - 1]
      bytes += this.latin1(at, start) + String.fromCharCode(ABOVE_BYTES + high, ABOVE_BYTES + low)
      at = end
    }
    return bytes + this.latin1(at, this.offset)
  }

  #numberOf (bytes: string): number {
    this.#numbers ??= new Map()
    const known = this.#numbers.get(bytes)
    if (known !== undefined) return known
    const number = this.#numbers.size
    this.#numbers.set(bytes, number)
    this.#numberGuard = guardOf(this.#numbers, this.#numberGuard, bytes)
    if (this.#numberGuard?.isFlooded === true) this.failByCollisions()
    return number
  }

  /** Throws ERR_INVALID_DATA. */
  failByCollisions (): never {
    this.fail('dictionary keys that collide in a hash table')
  }

  /** The next values are inside an array, a dictionary or an object, until `leave`. */
  enter (): void {
    if (++this.#depth > this.table.rules.maxDepth) this.fail('too many levels of arrays and dictionaries')
  }

  leave (): void { this.#depth-- }

  /** Reads a string:  | size u32 | UTF-8 ... | zero bytes to a multiple of 4 | */
  string (): string {
    const size = this.u32()
    const text = this.utf8(size, this.table.rules.strictText)
    this.skip(-size & 3)
    return text
  }
}

/** Writes Variants, and other values between them. */
export class VariantWriter extends ByteWriter {
  allowObjects = false
  readonly table: VariantTable
  #depth = 0

  constructor (table: VariantTable) {
    super()
    this.table = table
  }

  /** Prepares for another packet, whether or not the last one was completed. */
  begin (options: EncodeOptions): void {
    this.discard()
    this.#depth = 0
    this.allowObjects = options.allowObjects ?? false
  }

  /**
   * Throws ERR_INVALID_PARAMETER for a value that is not a Variant, ERR_UNAUTHORIZED for an object that is not allowed.
   */
  variant (value: unknown): void {
    const row = this.table.rowOf(value)
    row.write(this, value, row.type)
  }

  /** See `VariantReader.enter`. */
  enter (): void {
    const { maxDepth } = this.table.rules
    if (++this.#depth <= maxDepth) return
    throw new GodotError('ERR_INVALID_PARAMETER', `a Variant contains itself, or has more than ${maxDepth} levels`)
  }

  leave (): void { this.#depth-- }

  /** See `VariantReader.string`; `nul` appends a NUL that is counted, as in pool arrays. */
  string (text: string, nul = false): void {
    const at = this.length
    this.u32(0)
    const size = this.utf8(this.table.rules.strictText ? text.toWellFormed() : text) + Number(nul)
    this.patchU32(at, size)
    this.zeros(Number(nul) + (-size & 3))
  }
}

/** Encodes and decodes Variants of one Godot version. */
export interface VariantCodec {
  /**
   * The bytes of `value`, equal to those of Godot's `var2bytes`. Throws ERR_INVALID_PARAMETER if it is not a Variant.
   */
  encode (value: Variant, options?: EncodeOptions): Uint8Array
  /**
   * The value at the start of `bytes`, as Godot's `bytes2var` returns it. Throws ERR_INVALID_DATA, or ERR_UNAUTHORIZED
   * for an object that is not allowed, and nothing else.
   */
  decode (bytes: Uint8Array, options?: DecodeOptions): Variant
  /** Calls `read` for bytes[start..end), which contain Variants and other values. */
  parse<Value> (
    read: (from: VariantReader) => Value,
    bytes: Uint8Array,
    options?: DecodeOptions,
    start?: number,
    end?: number
  ): Value
  /** Returns the bytes that `write` writes for `value`. */
  build<Value> (write: (to: VariantWriter, value: Value) => void, value: Value, options?: EncodeOptions): Uint8Array
}

/** Godot's name of the type of each class. */
export function classNames (rows: readonly VariantRow[]): ReadonlyMap<unknown, string> {
  return new Map(rows.flatMap(({ name, classes = [] }) => classes.map(type => [type, name])))
}

/** A codec for the types of `rows`, by their numbers; the first five are Nil, bool, int, real and String. */
export function variantCodec (rows: readonly VariantRow[], rules: Rules): VariantCodec {
  const table = new VariantTable(rows, rules)
  const [parse, build] = [parser(table), builder(table)]
  return {
    parse,
    build,
    encode: (value, options) => build(writeVariant, value, options),
    decode: (bytes, options) => parse(readVariant, bytes, options)
  }
}

function readVariant (from: VariantReader): Variant {
  return from.variant()
}

function writeVariant (to: VariantWriter, value: Variant): void {
  to.variant(value)
}

// Readers and writers are reused, as a new one costs as much as a small value; a nested call makes its own.

/**
 * The same error, or a GodotError for a stack overflow: how many levels the stack holds depends on what called the
 * codec, and on `node --stack-size`.
 */
function withoutOverflow (error: unknown, code: ErrorCode): unknown {
  return error instanceof RangeError ? new GodotError(code, error.message) : error
}

function parser (table: VariantTable): VariantCodec['parse'] {
  let spare: VariantReader | undefined
  return (read, bytes, options = DEFAULTS, start, end) => {
    const from = spare ?? new VariantReader(table)
    spare = undefined
    try {
      from.begin(bytes, options, start, end)
      return read(from)
    } catch (error) {
      throw withoutOverflow(error, 'ERR_INVALID_DATA')
    } finally {
      from.clear()
      spare = from
    }
  }
}

function builder (table: VariantTable): VariantCodec['build'] {
  let spare: VariantWriter | undefined
  return (write, value, options = DEFAULTS) => {
    const to = spare ?? new VariantWriter(table)
    spare = undefined
    try {
      to.begin(options)
      write(to, value)
      return to.done()
    } catch (error) {
      throw withoutOverflow(error, 'ERR_INVALID_PARAMETER')
    } finally {
      spare = to
    }
  }
}
