import { copyBytes, headerLength, writeHeader } from '../../protocol/websocket/frame.ts'
import { borrowBuffer, LARGEST_BUFFER, returnBuffer } from '../../transport/buffer-pool.ts'
import type { Connection } from '../../transport/connection.ts'
import type { Rostered } from '../roster.ts'

/** Packets and payload bytes ever sent to all members of a room. */
export interface OutboxTotals { readonly packets: number, readonly bytes: number }

/** Maximum of bytes and packets waiting to be sent to a peer. */
export interface OutboxLimits { readonly bytes: number, readonly packets: number }

/** Owner of an outbox. */
export interface PeerOutboxHost {
  /** The peer accepts too little of what it is sent. Never called during a flush. */
  closeSlow (): void
}

/** Bytes that a connection may be given without having confirmed any, as long as the system accepts what it gets. */
const MAX_UNCONFIRMED = 4 * 1024 * 1024

const NONE: Buffer = Buffer.alloc(0)

/**
 * What is waiting to be sent to one peer: frames of its own in a buffer, and its position in the room's shared log. The
 * buffer is sent first, then log[cursor..) except log[cutFrom..cutTo). Buffers are borrowed from a pool for a turn;
 * only a peer whose connection is blocked keeps one.
 */
export class PeerOutbox implements Rostered {
  readonly connection: Connection
  readonly host: PeerOutboxHost
  /** Index in the roster of members of the room. */
  rosterIndex: number | undefined
  /** Offset in the log up to which this peer has everything, and the part after it that is not for this peer. */
  cursor = 0
  cutFrom = 0
  cutTo = 0
  /** Whether its buffer is flushed at the end of the turn. */
  isDirty = false
  /**
   * Whether the last write is not confirmed yet; until it is, everything waits in the buffer. A TLS connection confirms
   * a turn later even when the system accepted all at once.
   */
  isBlocked = false
  /** Writes that were confirmed late. */
  confirmations = 0
  /** Whether it has been found slow: it is sent nothing more, and is closed after the flush. */
  isSlow = false
  /** Called when the peer no longer lags behind. */
  onCaughtUp: (() => void) | undefined
  #log: OutboxTotals | undefined
  #packets = 0
  #bytes = 0
  #packetsWhenBlocked = 0
  #buffer = NONE
  #length = 0
  #onWritten: (() => void) | undefined

  constructor (connection: Connection, host: PeerOutboxHost) {
    this.connection = connection
    this.host = host
  }

  /** Whether it gets what is sent to all members of a room. */
  get isMember (): boolean {
    return this.#log !== undefined
  }

  /**
   * Packets sent to it. Packets of the room's log are not counted one by one: they are the log's total since it joined.
   */
  get packetsOut (): number {
    return this.#packets + (this.#log?.packets ?? 0)
  }

  /** Payload bytes sent to it. */
  get bytesOut (): number {
    return this.#bytes + (this.#log?.bytes ?? 0)
  }

  /** Whether the system does not accept what is sent to the peer, so that it piles up here. */
  get isBehind (): boolean {
    return this.isBlocked && (this.connection.isFull || this.bufferedAmount > MAX_UNCONFIRMED)
  }

  /** Packets waiting because the connection is blocked. */
  get waitingPackets (): number {
    return this.isBlocked ? this.packetsOut - this.#packetsWhenBlocked : 0
  }

  /** Joins the log, or leaves it when undefined. */
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

  /** Bytes waiting here or in the connection. */
  get bufferedAmount (): number {
    return this.connection.bufferedAmount + this.#length
  }

  /** Appends one frame. */
  append (opcode: number, bytes: Uint8Array, start: number, end: number): void {
    const size = end - start
    const needed = headerLength(size) + size
    this.#makeSpace(needed)
    copyBytes(this.#buffer, writeHeader(this.#buffer, this.#length, opcode, size), bytes, start, end)
    this.#length += needed
  }

  /**
   * Writes the buffer and one frame now, whose payload is not copied: it must not change until it is sent. The
   * connection must not be blocked.
   */
  write (opcode: number, payload: Uint8Array): void {
    const { connection } = this
    const header = new Uint8Array(headerLength(payload.length))
    writeHeader(header, 0, opcode, payload.length)
    connection.cork()
    if (this.#length > 0) connection.write(this.#buffer.subarray(0, this.#length))
    connection.write(header)
    connection.write(payload)
    connection.uncork()
    const buffer = this.#buffer
    this.drop()
    this.#settle(buffer)
  }

  /** Appends bytes as they are: frames of the log, or the HTTP response to the handshake. */
  appendRaw (bytes: Uint8Array, start: number, end: number): void {
    this.#makeSpace(end - start)
    copyBytes(this.#buffer, this.#length, bytes, start, end)
    this.#length += end - start
  }

  /** Writes the buffer unless the connection is blocked. */
  flush (): void {
    this.isDirty = false
    if (this.#length === 0 || this.isBlocked) return
    const buffer = this.#buffer
    this.connection.write(buffer.subarray(0, this.#length))
    this.drop()
    this.#settle(buffer)
  }

  /**
   * Writes the buffer unless the connection is blocked, and destroys the connection. In a process that was busy for as
   * long as a timeout its timer fires before the end of the turn, when the close frame would be written.
   */
  destroy (): void {
    this.flush()
    this.connection.destroy()
  }

  /**
   * Writes the buffer, then log[cursor..) except log[cutFrom..cutTo), in one go; the connection must not be blocked.
   */
  flushWithLog (log: Buffer): void {
    const { connection } = this
    const end = log.length
    const hasCut = this.cutTo > this.cursor
    const firstEnd = hasCut ? this.cutFrom : end
    const secondStart = hasCut ? this.cutTo : end
    if (this.#length === 0 && secondStart === end) {
      const isWhole = this.cursor === 0 && firstEnd === end
      if (firstEnd > this.cursor) connection.write(isWhole ? log : log.subarray(this.cursor, firstEnd))
    } else {
      connection.cork()
      if (this.#length > 0) connection.write(this.#buffer.subarray(0, this.#length))
      if (firstEnd > this.cursor) connection.write(log.subarray(this.cursor, firstEnd))
      if (secondStart < end) connection.write(log.subarray(secondStart, end))
      connection.uncork()
    }
    const buffer = this.#buffer
    this.drop()
    this.#settle(buffer)
  }

  /** Discards what is waiting in the buffer. */
  drop (): void {
    this.#buffer = NONE
    this.#length = 0
  }

  /** Calls back once everything is sent; at once when it is. */
  whenWritten (callback: () => void): void {
    this.flush()
    if (this.isBlocked) this.#onWritten = callback
    else callback()
  }

  /**
   * A full buffer is written early instead of made larger than the largest; only that of a blocked connection grows.
   */
  #makeSpace (needed: number): void {
    if (this.#length + needed <= this.#buffer.length) return
    if (this.#length + needed > LARGEST_BUFFER) this.flush()
    if (this.#length + needed <= this.#buffer.length) return
    const larger = borrowBuffer(Math.max(this.#length + needed, this.isBlocked ? this.#buffer.length * 2 : 0))
    larger.set(this.#buffer.subarray(0, this.#length))
    returnBuffer(this.#buffer)
    this.#buffer = larger
  }

  /** After a write: returns the buffer to the pool if the system took everything; else waits until it has. */
  #settle (buffer: Buffer): void {
    if (this.connection.bufferedAmount === 0) return returnBuffer(buffer)
    this.isBlocked = true
    this.#packetsWhenBlocked = this.packetsOut
    this.connection.whenWritten(() => { this.#onConfirmed() })
  }

  #onConfirmed (): void {
    this.isBlocked = false
    this.confirmations++
    this.flush()
    if (!this.isBlocked) this.#notifyWritten()
    if (!this.isBehind) this.onCaughtUp?.()
  }

  #notifyWritten (): void {
    const callback = this.#onWritten
    this.#onWritten = undefined
    callback?.()
  }
}
