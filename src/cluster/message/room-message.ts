import { readStamp, STAMP_SIZE, writeStamp } from './stamp.ts'
import type { Stamp } from './stamp.ts'

/**
 * What a node sent to a room in one turn, for the parts of the room on other nodes, little-endian:
 *
 *   | stamp | start u32 | packets u32 | relayed u32 | size u32 | notes u32 | note ... | frames ... |
 *   note: | kind u8 | from u32 | to u32 | id i32 |
 *
 * `frames` are WebSocket frames as members receive them, `packets` of them with `size` payload bytes; `relayed` of them
 * are of peers, the others of the server. A note is about one of them, frames[from..to).
 */
const HEAD = STAMP_SIZE + 20
const NOTE = 13

/** What a note says: not for the member `id`; or also for the room's server, from the member `id`. */
export const noteKind = { EXCEPT: 0, FOR_SERVER: 1 } as const

/** A note about the frame frames[from..to). */
export interface Note { readonly kind: number, readonly from: number, readonly to: number, readonly id: number }

/** Who sent a message to a room, and its number. */
export interface RoomStamp extends Stamp {
  /** The node's numbers for the room begin after this one: lower ones that are missing are not lost messages. */
  readonly start: number
}

/** A decoded message; `frames` and `notes` are views of it. */
export interface RoomMessage extends RoomStamp {
  readonly packets: number
  readonly relayed: number
  readonly size: number
  readonly notes: readonly Note[]
  readonly frames: Uint8Array
}

/** Frames of one turn on their way into a message. */
export interface Frames {
  readonly packets: number
  readonly relayed: number
  readonly size: number
  readonly notes: readonly Note[]
  /** Offsets into the log: alternating from and to. */
  readonly ranges: readonly number[]
}

/** Bytes of a message with this number of notes and `length` bytes of frames. */
export function roomMessageSize (notes: number, length: number): number {
  return HEAD + notes * NOTE + length
}

/** Encodes parts of a log. */
export function encodeRoomMessage (stamp: RoomStamp, frames: Frames, log: Uint8Array): Uint8Array {
  const { packets, relayed, size, notes, ranges } = frames
  let length = 0
  for (let at = 0; at < ranges.length; at += 2) length += ranges[at + 1] - ranges[at]
  const bytes = new Uint8Array(roomMessageSize(notes.length, length))
  const view = new DataView(bytes.buffer)
  writeStamp(view, stamp)
  view.setUint32(STAMP_SIZE, stamp.start, true)
  view.setUint32(STAMP_SIZE + 4, packets, true)
  view.setUint32(STAMP_SIZE + 8, relayed, true)
  view.setUint32(STAMP_SIZE + 12, size, true)
  view.setUint32(STAMP_SIZE + 16, notes.length, true)
  let at = HEAD
  for (const note of notes) {
    view.setUint8(at, note.kind)
    view.setUint32(at + 1, note.from, true)
    view.setUint32(at + 5, note.to, true)
    view.setInt32(at + 9, note.id, true)
    at += NOTE
  }
  for (let range = 0; range < ranges.length; range += 2) {
    const part = log.subarray(ranges[range], ranges[range + 1])
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** Decodes a message. */
export function decodeRoomMessage (bytes: Uint8Array): RoomMessage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const count = view.getUint32(STAMP_SIZE + 16, true)
  const notes: Note[] = []
  for (let index = 0, at = HEAD; index < count; index++, at += NOTE) {
    notes.push({
      kind: view.getUint8(at),
      from: view.getUint32(at + 1, true),
      to: view.getUint32(at + 5, true),
      id: view.getInt32(at + 9, true)
    })
  }
  return {
    ...readStamp(bytes),
    start: view.getUint32(STAMP_SIZE, true),
    packets: view.getUint32(STAMP_SIZE + 4, true),
    relayed: view.getUint32(STAMP_SIZE + 8, true),
    size: view.getUint32(STAMP_SIZE + 12, true),
    notes,
    frames: bytes.subarray(HEAD + count * NOTE)
  }
}
