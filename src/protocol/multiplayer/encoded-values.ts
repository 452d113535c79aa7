import { GodotError } from '../../error.ts'
import type { DecodeOptions, VariantCodec, VariantReader } from '../variant/variant-codec.ts'
import type { Variant } from '../variant/variant-types.ts'

/** How the values of a packet are laid out. */
export interface ValueLayout {
  /** Reads the number of values. */
  readonly count: (from: VariantReader) => number
  /** Reads one value. */
  readonly value: (from: VariantReader) => Variant
  /** Reads all values. */
  readonly all: (from: VariantReader) => Variant[]
}

/** A layout of a count and as many values. */
export function valueLayout (count: ValueLayout['count'], value: ValueLayout['value']): ValueLayout {
  return {
    count,
    value,
    all: from => {
      const values: Variant[] = []
      for (let left = count(from); left > 0; left--) values.push(value(from))
      return values
    }
  }
}

/** As `DecodeOptions`; `exactFloats` may be given for each value. */
export interface ValueOptions {
  readonly allowObjects?: boolean
  readonly exactFloats?: boolean | readonly boolean[]
}

/**
 * The arguments of a call, or the value of a property, not decoded yet. Valid as long as the bytes of the packet are.
 */
export class EncodedValues {
  readonly #codec: VariantCodec
  readonly #layout: ValueLayout
  readonly #bytes: Uint8Array
  readonly #start: number
  readonly #end: number

  /** They are in bytes[start..end). */
  constructor (codec: VariantCodec, layout: ValueLayout, bytes: Uint8Array, start: number, end: number) {
    this.#codec = codec
    this.#layout = layout
    this.#bytes = bytes
    this.#start = start
    this.#end = end
  }

  /** Throws ERR_INVALID_DATA naming the byte of the packet, or ERR_UNAUTHORIZED for an object that is not allowed. */
  decode ({ allowObjects = false, exactFloats = true }: ValueOptions = {}): Variant[] {
    const options: DecodeOptions = { allowObjects, exactFloats: exactFloats === true }
    const read = typeof exactFloats === 'boolean' ? this.#layout.all : this.#readerOfSome(exactFloats)
    return this.#codec.parse(read, this.#bytes, options, this.#start, this.#end)
  }

  /** Reads values some of which are exact. */
  #readerOfSome (exact: readonly boolean[]): ValueLayout['all'] {
    return from => {
      const count = this.#layout.count(from)
      const values: Variant[] = []
      for (let i = 0; i < count; i++) {
        from.exactFloats = exact[i] ?? false
        values.push(this.#layout.value(from))
      }
      return values
    }
  }
}

/** Arguments of one call: their number is a byte. */
const MAX_ARGUMENTS = 255

/** Throws ERR_INVALID_PARAMETER for more arguments than a packet can count. */
export function checkArgumentCount ({ length }: readonly unknown[]): void {
  if (length > MAX_ARGUMENTS) {
    throw new GodotError('ERR_INVALID_PARAMETER', `${length} arguments: expected at most ${MAX_ARGUMENTS}`)
  }
}
