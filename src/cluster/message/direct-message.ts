import { STAMP_SIZE, writeStamp } from './stamp.ts'
import type { Stamp } from './stamp.ts'

/**
 * Packets from one node to another, little-endian:
 *
 *   | stamp | packet ... |
 *   packet: | opcode u8 | source i32 | target i32 | size u32 | room length u8 | room ... | bytes ... |
 *
 * A target is a member of the room on the receiving node, or the room's server (1), which has its home there.
 */
const PACKET_HEAD = 14
/** Bytes of a buffer at first, and those of the largest one that is kept for the next message. */
const SMALL = 1024
const KEPT_BYTES = 64 * 1024

/** A packet for one receiver. */
export interface DirectPacket {
  readonly room: string
  /** Opcode of its frame. */
  readonly opcode: number
  readonly source: number
  readonly target: number
  readonly bytes: Uint8Array
}

/** Collects packets for one node. */
export class DirectBatch {
  #bytes = new Uint8Array(SMALL)
  #view = new DataView(this.#bytes.buffer)
  #length = STAMP_SIZE

  get isEmpty (): boolean {
    return this.#length === STAMP_SIZE
  }

  /** Bytes of the message with one more packet, of `size` bytes. */
  lengthWith (room: string, size: number): number {
    return this.#length + PACKET_HEAD + room.length + size
  }

  /** Adds a packet with source[start..end) as its bytes. */
  add (packet: Omit<DirectPacket, 'bytes'>, source: Uint8Array, start: number, end: number): void {
    const { room, opcode, source: from, target } = packet
    this.#makeRoom(PACKET_HEAD + room.length + end - start)
    const at = this.#length
    this.#view.setUint8(at, opcode)
    this.#view.setInt32(at + 1, from, true)
    this.#view.setInt32(at + 5, target, true)
    this.#view.setUint32(at + 9, end - start, true)
    this.#view.setUint8(at + 13, room.length)
    for (let index = 0; index < room.length; index++) this.#bytes[at + PACKET_HEAD + index] = room.charCodeAt(index)
    const dataAt = at + PACKET_HEAD + room.length
    this.#bytes.set(source.subarray(start, end), dataAt)
    this.#length = dataAt + end - start
  }

  /** The message; the batch is empty after that. */
  take (stamp: Stamp): Uint8Array {
    writeStamp(this.#view, stamp)
    const message = this.#bytes.slice(0, this.#length)
    this.#length = STAMP_SIZE
    if (this.#bytes.length > KEPT_BYTES) this.#allocate(SMALL)
    return message
  }

  #makeRoom (needed: number): void {
    if (this.#length + needed <= this.#bytes.length) return
    const smaller = this.#bytes
    this.#allocate(Math.max(this.#length + needed, smaller.length * 2))
    this.#bytes.set(smaller.subarray(0, this.#length))
  }

  #allocate (size: number): void {
    this.#bytes = new Uint8Array(size)
    this.#view = new DataView(this.#bytes.buffer)
  }
}

/** The packets of a message; their bytes are views of it. */
export function * readPackets (bytes: Uint8Array): IterableIterator<DirectPacket> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = STAMP_SIZE; at < bytes.length;) {
    const size = view.getUint32(at + 9, true)
    const roomEnd = at + PACKET_HEAD + view.getUint8(at + 13)
    yield {
      opcode: view.getUint8(at),
      source: view.getInt32(at + 1, true),
      target: view.getInt32(at + 5, true),
      room: String.fromCharCode(...bytes.subarray(at + PACKET_HEAD, roomEnd)),
      bytes: bytes.subarray(roomEnd, roomEnd + size)
    }
    at = roomEnd + size
  }
}
