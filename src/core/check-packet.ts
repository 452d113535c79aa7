import { GodotError } from '../error.ts'

/** Throws ERR_INVALID_PARAMETER for anything but bytes: of a text or list, another packet would be sent. */
export function checkBytes (bytes: Uint8Array): void {
  if (bytes instanceof Uint8Array) return
  throw new GodotError('ERR_INVALID_PARAMETER', `invalid packet of type ${typeof bytes}: expected a Uint8Array`)
}

/** The same, and ERR_OUT_OF_MEMORY for more than `maxSize` bytes, the most that the output buffer takes. */
export function checkPacket (bytes: Uint8Array, maxSize: number): void {
  checkBytes(bytes)
  if (bytes.length <= maxSize) return
  const limit = `at most ${maxSize} bytes fit the output buffer (option outputBufferKb)`
  throw new GodotError('ERR_OUT_OF_MEMORY', `packet of ${bytes.length} bytes is too large: ${limit}`)
}
