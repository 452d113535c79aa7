import { GodotError } from '../../error.ts'
import { powerOfTwo } from '../server/power-of-two.ts'

const MIN_ENCODE_BUFFER = 1024
const MAX_ENCODE_BUFFER = 268435456

/** Settings of `getVar` and `putVar` of a PacketPeer. */
export interface VariantSettings {
  /** Maximum size of an encoded Variant, in bytes. */
  readonly encodeBufferMaxSize: number
  /** Whether objects are encoded and decoded in full. */
  readonly allowObjectDecoding: boolean
}

/** Godot's defaults. */
export const defaultVariantSettings: VariantSettings = { encodeBufferMaxSize: 8388608, allowObjectDecoding: false }

/** Rounds up to a power of two, as Godot does; throws ERR_INVALID_PARAMETER outside 1024..268435456 bytes. */
export function checkEncodeBuffer (bytes: number): number {
  if (bytes >= MIN_ENCODE_BUFFER && bytes <= MAX_ENCODE_BUFFER) return powerOfTwo(bytes)
  const expected = `expected ${MIN_ENCODE_BUFFER} to ${MAX_ENCODE_BUFFER} bytes`
  throw new GodotError('ERR_INVALID_PARAMETER', `invalid encodeBufferMaxSize ${String(bytes)}: ${expected}`)
}
