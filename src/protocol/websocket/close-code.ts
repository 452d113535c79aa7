import { GodotError } from '../../error.ts'

/** Close codes that this server sends or reports (RFC 6455 section 7.4.1, IANA registry; from 4000 our own). */
export const closeCode = {
  NORMAL: 1000,
  GOING_AWAY: 1001,
  PROTOCOL_ERROR: 1002,
  NO_STATUS: 1005,
  ABNORMAL: 1006,
  INVALID_TEXT: 1007,
  POLICY: 1008,
  TOO_BIG: 1009,
  RESTART: 1012,
  SLOW_PEER: 4008
} as const

/** Maximum UTF-8 bytes of a close reason: 125 of a control frame minus the code (RFC 6455 section 5.5). */
export const MAX_REASON_BYTES = 123

const neverSent = [1004, 1005, 1006]

/** Whether a close frame may contain this code (RFC 6455 section 7.4). */
export function isCloseCode (code: number): boolean {
  return Number.isInteger(code) &&
    ((code >= 1000 && code <= 1014 && !neverSent.includes(code)) || (code >= 3000 && code <= 4999))
}

/** Whether a server may send this code: 1010 is for clients (RFC 6455 section 7.4.1). */
export function isServerCloseCode (code: number): boolean {
  return isCloseCode(code) && code !== 1010
}

/** Codes that a server may send, in words. */
export const closeCodeRule = '1000-1014 (except 1004-1006, 1010) or 3000-4999'

/** Throws ERR_INVALID_PARAMETER unless a server may send a close frame with `code` and `reason`. */
export function checkClose (code: number, reason: string): void {
  if (!isServerCloseCode(code)) {
    throw new GodotError('ERR_INVALID_PARAMETER', `Invalid close code ${String(code)}: expected ${closeCodeRule}`)
  }
  if (typeof reason !== 'string' || !reason.isWellFormed()) {
    throw new GodotError('ERR_INVALID_PARAMETER', 'Invalid close reason: expected well-formed text')
  }
  if (Buffer.byteLength(reason) > MAX_REASON_BYTES) {
    const message = `Invalid close reason: expected at most ${MAX_REASON_BYTES} bytes of UTF-8`
    throw new GodotError('ERR_INVALID_PARAMETER', message)
  }
}
