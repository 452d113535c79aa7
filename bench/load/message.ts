/**
 * Messages of the generator. Their text, after the prefix of the wire:
 *
 *   | send time in microseconds, 5 characters | sender, 2 characters | x ... |
 *
 * Each character holds five bits, least significant first, as an offset from "`": no wire has to escape this text.
 */
import { headerLength, opcode } from '../../src/protocol/websocket/frame.ts'
import { frame } from '../../test/helper/sockets/raw-frame.ts'
import type { Wire } from './wire.ts'

const ZERO = 0x60
const TIME_DIGITS = 5
const SENDER_DIGITS = 2
const TIME_MASK = (1 << 5 * TIME_DIGITS) - 1
const MASK_LENGTH = 4
const EMPTY = Buffer.alloc(0)
const maskKey = Uint8Array.of(0x5a, 0x31, 0xc7, 0x0e)

/** Maximum number of distinguishable senders. */
export const MAX_SENDERS = 1 << 5 * SENDER_DIGITS

/** The messages of one client, as sent and as received by others. */
export class Message {
  /** The masked frame, with time zero; after one with the head, if the wire has one. */
  readonly sent: Buffer
  /** What receivers get from the server. */
  readonly received: Buffer
  /** Offset of the text in `received`. */
  readonly textAt: number
  /** Offset of the text in `sent`. */
  readonly #sentTextAt: number
  readonly #before: number

  constructor (wire: Wire, id: number, sender: number, size: number) {
    const before = wire.prefix(id)
    const payload = Buffer.alloc(size, 'x')
    payload.set(before)
    payload.set(wire.suffix, size - wire.suffix.length)
    payload.set(digits(0, TIME_DIGITS), before.length)
    payload.set(digits(sender, SENDER_DIGITS), before.length + TIME_DIGITS)
    const head = wire.head === undefined ? EMPTY : frame(opcode.TEXT, wire.head, { mask: false })
    const sentHead = wire.head === undefined ? EMPTY : frame(opcode.TEXT, wire.head, { key: maskKey })
    this.sent = Buffer.concat([sentHead, frame(wire.opcode, payload, { key: maskKey })])
    if (wire.receivedPrefix !== undefined) payload.set(wire.receivedPrefix(id))
    this.received = Buffer.concat([head, frame(wire.opcode, payload, { mask: false })])
    this.textAt = head.length + headerLength(size) + before.length
    this.#sentTextAt = sentHead.length + headerLength(size) + MASK_LENGTH + before.length
    this.#before = before.length
  }

  /** `count` consecutive frames with this send time in microseconds. */
  stamped (count: number, time: number): Buffer {
    const { sent } = this
    const frames = Buffer.allocUnsafe(sent.length * count)
    for (let at = 0; at < frames.length; at += sent.length) {
      sent.copy(frames, at)
      this.#stamp(frames, at + this.#sentTextAt, time)
    }
    return frames
  }

  #stamp (frames: Buffer, at: number, time: number): void {
    for (let i = 0; i < TIME_DIGITS; i++) {
      frames[at + i] = (ZERO | (time >>> 5 * i & 31)) ^ maskKey[this.#before + i & 3]
    }
  }
}

/** Index of the sender of the message whose text starts at `at`. */
export function readSender (bytes: Uint8Array, at: number): number {
  return (bytes[at + TIME_DIGITS] & 31) | (bytes[at + TIME_DIGITS + 1] & 31) << 5
}

/** Microseconds between the send time in the text at `at` and `now`; wraps around after half a minute. */
export function readAge (bytes: Uint8Array, at: number, now: number): number {
  let time = 0
  for (let i = TIME_DIGITS - 1; i >= 0; i--) time = time << 5 | (bytes[at + i] & 31)
  return (now - time) & TIME_MASK
}

/** Offset of the constant part of the text, after time and sender. */
export const FIXED_AT = TIME_DIGITS + SENDER_DIGITS

function digits (value: number, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => ZERO | (value >>> 5 * i & 31))
}
