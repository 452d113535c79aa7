import { GodotError } from '../../error.ts'

/** @throws ERR_INVALID_PARAMETER if the message exceeds the broker's limit. */
export function checkSize (bytes: Uint8Array, maxPayload: number): void {
  if (bytes.length <= maxPayload) return
  throw new GodotError('ERR_INVALID_PARAMETER',
    `message of ${bytes.length} bytes: the broker accepts at most ${maxPayload} (max_payload)`)
}

/** @throws ERR_INVALID_PARAMETER for an invalid name of a store. */
export function checkName (name: string): void {
  if (/^[-\w]+$/.test(name)) return
  throw new GodotError('ERR_INVALID_PARAMETER',
    `invalid name of a store '${name}': expected letters, digits, hyphens or underscores`)
}
