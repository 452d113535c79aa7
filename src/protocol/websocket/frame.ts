/**
 * Frames of RFC 6455 section 5.2, as a server writes them (never masked):
 *
 *   | FIN 1 bit, RSV 3 bits, opcode 4 bits | MASK 1 bit, length 7 bits | length u16 or u64, big-endian | payload ... |
 */

/** Opcodes (RFC 6455 section 5.2). */
export const opcode = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const

/** Added to the opcode of a message whose payload is compressed: RSV1 (RFC 7692 section 6). */
export const DEFLATED = 0x40

const FINAL = 0x80

/** Length of the header before a payload of `size` bytes. */
export function headerLength (size: number): number {
  return size < 126 ? 2 : size < 65536 ? 4 : 10
}

/** Length of the payload of a whole frame of this length. */
export function payloadLengthOfFrame (length: number): number {
  return length - [2, 4, 10].find(header => headerLength(length - header) === header)!
}

/** Length of the payload of the frame at `offset`, as its header says. */
export function payloadLengthAt (frames: Uint8Array, offset: number): number {
  const view = new DataView(frames.buffer, frames.byteOffset, frames.byteLength)
  const size = view.getUint8(offset + 1)
  if (size < 126) return size
  return size === 126 ? view.getUint16(offset + 2) : view.getUint32(offset + 6)
}

/** Writes the header of an unfragmented frame at `offset`; returns the offset of the payload. */
export function writeHeader (target: Uint8Array, offset: number, opcode: number, size: number): number {
  target[offset] = FINAL | opcode
  if (size < 126) {
    target[offset + 1] = size
    return offset + 2
  }
  if (size < 65536) {
    target[offset + 1] = 126
    target[offset + 2] = size >>> 8
    target[offset + 3] = size & 255
    return offset + 4
  }
  target[offset + 1] = 127
  target.fill(0, offset + 2, offset + 6)
  target[offset + 6] = size >>> 24
  target[offset + 7] = size >>> 16 & 255
  target[offset + 8] = size >>> 8 & 255
  target[offset + 9] = size & 255
  return offset + 10
}

/** Copies source[start..end) to target[offset..), with a loop for few bytes, which is faster than `set`. */
export function copyBytes (target: Uint8Array, offset: number, source: Uint8Array, start: number, end: number): void {
  if (end - start > 48) target.set(source.subarray(start, end), offset)
  else for (let i = start; i < end; i++) target[offset++] = source[i]
}

/** Payload of a close frame: code and reason; empty for 1005, which is never sent (RFC 6455 section 7.4.1). */
export function closePayload (code: number, reason: string): Uint8Array {
  if (code === 1005) return new Uint8Array(0)
  const text = Buffer.from(reason)
  const payload = new Uint8Array(2 + text.length)
  payload[0] = code >>> 8
  payload[1] = code & 255
  payload.set(text, 2)
  return payload
}
