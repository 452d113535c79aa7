import { copyBytes, headLength, writeHead } from '../../protocol/websocket/frame.ts'
import type { Connection } from './transport.ts'

/** Packets and payload bytes that ever went to all members of a room. */
export interface OutboxTotals { readonly packets: number, readonly bytes: number }

/** How much a peer may have waiting to go out: bytes and packets. */
export interface OutboxLimits { readonly bytes: number, readonly packets: number }

/** Whose output it is. */
export interface OutboxOwner {
  /** More waits than may: the peer does not read. */
  closeSlow (): void
}

const NONE: Buffer = Buffer.alloc(0)

/** Boxes that are not in use, by size: small ones for what most turns carry, large ones for the rest. */
const pools = [
  { size: 4096, most: 4096, boxes: [] as Buffer[] },
  { size: 65536, most: 256, boxes: [] as Buffer[] }
]
const LARGEST = pools[pools.length - 1].size

/**
 * What one peer still has to be sent: its own frames in a box, and the place up to which it has the room's log. The box comes first,
 * then log[cursor..) without the cut. A box is borrowed from a pool for the turn; only a peer that does not read keeps one.
 */
export class PeerOutbox {
  readonly connection: Connection
  readonly owner: OutboxOwner
  /** Offset in the log up to which this peer has it, and the one piece behind it that is not for this peer. */
  cursor = 0
  cutFrom = 0
  cutTo = 0
  /** Whether it waits for the end of the turn. */
  isDirty = false
  /** Whether the system has not taken all of the last write yet; until it has, everything waits in the box. */
  isBlocked = false
  #log: OutboxTotals | undefined
  #packets = 0
  #bytes = 0
  #packetsWhenBlocked = 0
  #box = NONE
  #length = 0
  #onWritten: (() => void) | undefined

  constructor (connection: Connection, owner: OutboxOwner) {
    this.connection = connection
    this.owner = owner
  }

  /** Whether it gets what the log carries. */
  get isMember (): boolean {
    return this.#log !== undefined
  }

  /** Packets sent to it. A member's share of the log is not counted one by one: it is the log's total since it joined. */
  get packetsOut (): number {
    return this.#packets + (this.#log?.packets ?? 0)
  }

  /** Payload bytes sent to it. */
  get bytesOut (): number {
    return this.#bytes + (this.#log?.bytes ?? 0)
  }

  /** Packets that wait because the connection is blocked. */
  get waitingPackets (): number {
    return this.isBlocked ? this.packetsOut - this.#packetsWhenBlocked : 0
  }

  /** Becomes a member of the log, or with undefined leaves it. */
  follow (log: OutboxTotals | undefined): void {
    this.#packets = this.packetsOut - (log?.packets ?? 0)
    this.#bytes = this.bytesOut - (log?.bytes ?? 0)
    this.#log = log
  }

  /** Counts a packet of `size` payload bytes as sent; with `times` -1 as not sent after all. */
  count (size: number, times: 1 | -1): void {
    this.#packets += times
    this.#bytes += times * size
  }

  /** Bytes that wait here or in the system. */
  get bufferedAmount (): number {
    return this.connection.bufferedAmount + this.#length
  }

  get isEmpty (): boolean {
    return this.#length === 0
  }

  /** Adds one frame. */
  append (code: number, bytes: Uint8Array, start: number, end: number): void {
    const size = end - start
    const needed = headLength(size) + size
    this.#makeRoom(needed)
    copyBytes(this.#box, writeHead(this.#box, this.#length, code, size), bytes, start, end)
    this.#length += needed
  }

  /** Adds bytes as they are: frames of the log, or the answer to the handshake. */
  appendRaw (bytes: Uint8Array, start: number, end: number): void {
    this.#makeRoom(end - start)
    copyBytes(this.#box, this.#length, bytes, start, end)
    this.#length += end - start
  }

  /** Sends the box unless the connection is blocked. */
  flush (): void {
    this.isDirty = false
    if (this.#length === 0 || this.isBlocked) return
    const box = this.#box
    this.connection.write(box.subarray(0, this.#length))
    this.#release()
    this.#settle(box)
  }

  /** Sends the box, then log[cursor..) without the cut, in one write; the connection must not be blocked. */
  flushWithRoom (log: Buffer): void {
    const { connection } = this
    const end = log.length
    const hasCut = this.cutTo > this.cursor
    const firstEnd = hasCut ? this.cutFrom : end
    const secondStart = hasCut ? this.cutTo : end
    if (this.#length === 0 && secondStart === end) {
      if (firstEnd > this.cursor) connection.write(this.cursor === 0 && firstEnd === end ? log : log.subarray(this.cursor, firstEnd))
    } else {
      connection.cork()
      if (this.#length > 0) connection.write(this.#box.subarray(0, this.#length))
      if (firstEnd > this.cursor) connection.write(log.subarray(this.cursor, firstEnd))
      if (secondStart < end) connection.write(log.subarray(secondStart, end))
      connection.uncork()
    }
    const box = this.#box
    this.#release()
    this.#settle(box)
  }

  /** Throws away what waits in the box. */
  drop (): void {
    this.#release()
  }

  /** Calls back once everything is out; at once when it is. */
  whenWritten (callback: () => void): void {
    this.flush()
    if (this.isBlocked) this.#onWritten = callback
    else callback()
  }

  /** A box that is full is written early rather than made larger than the largest; only a blocked one has to grow. */
  #makeRoom (needed: number): void {
    if (this.#length + needed <= this.#box.length) return
    if (this.#length + needed > LARGEST) this.flush()
    if (this.#length + needed <= this.#box.length) return
    const larger = takeBox(Math.max(this.#length + needed, this.isBlocked ? this.#box.length * 2 : 0))
    larger.set(this.#box.subarray(0, this.#length))
    giveBox(this.#box)
    this.#box = larger
  }

  #release (): void {
    this.#box = NONE
    this.#length = 0
  }

  /** After a write: the box goes back to the pool if the system took all, else the peer waits until it has. */
  #settle (box: Buffer): void {
    if (this.connection.bufferedAmount === 0) {
      giveBox(box)
      return
    }
    this.isBlocked = true
    this.#packetsWhenBlocked = this.packetsOut
    this.connection.whenWritten(() => {
      this.isBlocked = false
      this.flush()
      if (this.isBlocked || this.#onWritten === undefined) return
      this.#onWritten()
      this.#onWritten = undefined
    })
  }
}

function takeBox (size: number): Buffer {
  for (const pool of pools) if (size <= pool.size) return pool.boxes.pop() ?? Buffer.allocUnsafeSlow(pool.size)
  return Buffer.allocUnsafeSlow(size)
}

function giveBox (box: Buffer): void {
  for (const pool of pools) if (box.length === pool.size && pool.boxes.length < pool.most) pool.boxes.push(box)
}
