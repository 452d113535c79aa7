import { GodotError } from '../../error.ts'
import { powerOfTwo } from '../server/power-of-two.ts'

const MIN_ENCODE_BUFFER = 1024
const MAX_ENCODE_BUFFER = 268435456

/** What `getVar` and `putVar` of a PacketPeer keep to. */
export interface VariantRules {
  /** Bytes an encoded Variant may have. */
  readonly encodeBufferMaxSize: number
  /** Whether objects are sent and taken in full. */
  readonly allowObjectDecoding: boolean
}

/** Godot's defaults. */
export const defaultVariantRules: VariantRules = { encodeBufferMaxSize: 8388608, allowObjectDecoding: false }

/** Godot's limits and rounding: 1024 .. 268435456, up to a power of two; ERR_INVALID_PARAMETER outside of them. */
export function checkEncodeBuffer (bytes: number): number {
  if (bytes >= MIN_ENCODE_BUFFER && bytes <= MAX_ENCODE_BUFFER) return powerOfTwo(bytes)
  throw new GodotError('ERR_INVALID_PARAMETER', `encodeBufferMaxSize ${String(bytes)}: ${MIN_ENCODE_BUFFER} to ${MAX_ENCODE_BUFFER} bytes`)
}
