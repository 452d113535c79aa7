import { randomBytes } from 'node:crypto'

/** A frame with its payload unmasked. */
export interface Frame { fin: boolean, rsv: number, opcode: number, masked: boolean, payload: Buffer }

/**
 * Header fields that a test may change. By default frames are final, masked with a random key, and have the shortest
 * length field. `wide`: bytes of the extended length field; `length`: announced length, independent of the payload.
 */
export interface FrameBits {
  fin?: boolean
  rsv?: number
  mask?: boolean
  key?: Uint8Array
  wide?: 0 | 2 | 8
  length?: number
}

/** The bytes of one frame (RFC 6455 5.2). */
export function frame (opcode: number, payload: Uint8Array | string = '', bits: FrameBits = {}): Buffer {
  const { fin = true, rsv = 0, mask = true, key = randomBytes(4) } = bits
  const body = Buffer.from(payload as string)
  const first = (fin ? 0x80 : 0) | rsv << 4 | opcode
  const head = Buffer.concat([Buffer.of(first), lengthBytes(bits.length ?? body.length, mask, bits.wide)])
  if (!mask) return Buffer.concat([head, body])
  return Buffer.concat([head, key, masked(body, key)])
}

/** A masked copy of unmasked bytes, and the other way round (RFC 6455 5.3). */
function masked (bytes: Uint8Array, key: Uint8Array): Buffer {
  const copy = Buffer.from(bytes)
  for (let at = 0; at < copy.length; at++) copy[at] ^= key[at % 4]
  return copy
}

/** A close frame's payload: code and reason. */
export function closePayload (code: number, reason = ''): Buffer {
  return Buffer.concat([Buffer.of(code >> 8, code & 0xff), Buffer.from(reason)])
}

/** Size of the first frame in bytes; undefined while it is incomplete. */
export function frameSize (bytes: Buffer): number | undefined {
  const at = measure(bytes)
  return at === undefined || bytes.length < at.start + at.length ? undefined : at.start + at.length
}

/** Parses one complete frame. */
export function parseFrame (bytes: Buffer): Frame {
  const { masked: isMasked, start } = measure(bytes)!
  const key = bytes.subarray(start - 4, start)
  const body = bytes.subarray(start)
  return {
    fin: (bytes[0] & 0x80) !== 0,
    rsv: bytes[0] >> 4 & 7,
    opcode: bytes[0] & 0x0f,
    masked: isMasked,
    payload: isMasked ? masked(body, key) : body
  }
}

function lengthBytes (length: number, mask: boolean, wide = length < 126 ? 0 : length < 65536 ? 2 : 8): Buffer {
  const bit = mask ? 0x80 : 0
  if (wide === 0) return Buffer.of(bit | length)
  if (wide === 2) return Buffer.of(bit | 126, length >> 8, length & 0xff)
  const bytes = Buffer.alloc(9)
  bytes[0] = bit | 127
  bytes.writeBigUInt64BE(BigInt(length), 1)
  return bytes
}

/** Where header and payload of a frame lie, or undefined while its header is incomplete. */
function measure (bytes: Buffer): { masked: boolean, start: number, length: number } | undefined {
  if (bytes.length < 2) return undefined
  const masked = (bytes[1] & 0x80) !== 0
  const short = bytes[1] & 0x7f
  const wide = short === 127 ? 8 : short === 126 ? 2 : 0
  if (bytes.length < 2 + wide) return undefined
  const length = wide === 8 ? Number(bytes.readBigUInt64BE(2)) : wide === 2 ? bytes.readUInt16BE(2) : short
  return { masked, start: 2 + wide + (masked ? 4 : 0), length }
}
