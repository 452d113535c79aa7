import { copyBytes, headLength, writeHead } from '../../protocol/websocket/frame.ts'
import type { OutboxTotals, PeerOutbox, OutboxLimits } from '../peer/peer-outbox.ts'

const LOG_SIZE = 65536

/**
 * What one room sends. A frame for many is encoded once into a shared log; at the end of the loop turn each member gets the log in one
 * write, together with the frames that are for it alone, all in the order they were given. So a turn costs one write a member, however
 * many packets it carries. The buffers are used again only when the system took every byte at once.
 */
export class RoomOutbox implements OutboxTotals {
  readonly #members = new Set<PeerOutbox>()
  readonly #limits: OutboxLimits
  readonly #holdTime: number
  #buffer: Buffer = Buffer.allocUnsafeSlow(LOG_SIZE)
  #length = 0
  packets = 0
  bytes = 0
  readonly #dirty: PeerOutbox[] = []
  #isArmed = false
  #isHeld = false
  #lastFlush = 0

  /** `holdTime`: milliseconds that a packet for many may wait for others once one has just gone out. */
  constructor (limits: OutboxLimits, holdTime = 0) {
    this.#limits = limits
    this.#holdTime = holdTime
  }

  /** From now on the output gets what is sent to all. */
  add (output: PeerOutbox): void {
    if (output.isMember) return
    output.cursor = this.#length
    output.cutTo = 0
    output.follow(this)
    this.#members.add(output)
  }

  /** The output keeps what was sent to it so far, and gets nothing more that is sent to all. */
  remove (output: PeerOutbox): void {
    if (!output.isMember) return
    this.#catchUp(output, this.#length)
    output.follow(undefined)
    this.#members.delete(output)
  }

  /** Whether a packet of `size` bytes still fits (Godot: ERR_OUT_OF_MEMORY where not). */
  hasRoom (output: PeerOutbox, size: number): boolean {
    if (!output.isBlocked) return size < this.#limits.bytes
    return output.bufferedAmount + size < this.#limits.bytes && output.waitingPackets < this.#limits.packets
  }

  /** Sends source[start..end) as one packet to one output. */
  send (output: PeerOutbox, code: number, source: Uint8Array, start: number, end: number): void {
    output.count(end - start, 1)
    this.sendControl(output, code, source, start, end)
  }

  /** Sends a control frame: in order with the packets, but not counted as one. */
  sendControl (output: PeerOutbox, code: number, source: Uint8Array, start: number, end: number): void {
    if (output.isMember && output.cursor !== this.#length) this.#catchUp(output, this.#length)
    output.append(code, source, start, end)
    this.#touch(output)
  }

  /** Sends bytes that are no frame: the answer to the handshake. */
  sendRaw (output: PeerOutbox, bytes: Uint8Array): void {
    output.appendRaw(bytes, 0, bytes.length)
    this.#touch(output)
  }

  /** Sends source[start..end) as one packet to all members, without up to two of them; how many get it. */
  sendAll (code: number, source: Uint8Array, start: number, end: number, without: PeerOutbox | undefined, alsoWithout: PeerOutbox | undefined): number {
    const size = end - start
    const needed = headLength(size) + size
    if (this.#length + needed > this.#buffer.length) this.#makeRoom(needed)
    const from = this.#length
    const to = from + needed
    copyBytes(this.#buffer, writeHead(this.#buffer, from, code, size), source, start, end)
    this.#length = to
    this.packets++
    this.bytes += size
    let receivers = this.#members.size
    if (without?.isMember === true) {
      this.#exclude(without, from, to, size)
      receivers--
    }
    if (alsoWithout?.isMember === true) {
      this.#exclude(alsoWithout, from, to, size)
      receivers--
    }
    if (this.#holdTime > 0) this.#hold()
    else this.#arm()
    return receivers
  }

  /** Sends everything now instead of at the end of the turn. */
  flush (): void {
    if (this.#length > 0) this.#flushLog()
    this.#flushDirty()
  }

  /** Takes the last frame, log[from..to), out of what a member gets. */
  #exclude (output: PeerOutbox, from: number, to: number, size: number): void {
    output.count(size, -1)
    if (output.cursor === from) output.cursor = to
    else if (output.cutTo <= output.cursor) {
      output.cutFrom = from
      output.cutTo = to
    } else if (output.cutTo === from) output.cutTo = to
    else {
      this.#catchUp(output, from)
      output.cursor = to
    }
  }

  /** Moves log[cursor..upTo) without the cut into the output's own box, so that something else can follow it. */
  #catchUp (output: PeerOutbox, upTo: number): void {
    const { cursor, cutFrom, cutTo } = output
    if (cutTo > cursor) {
      if (cutFrom > cursor) output.appendRaw(this.#buffer, cursor, cutFrom)
      if (upTo > cutTo) output.appendRaw(this.#buffer, cutTo, upTo)
    } else if (upTo > cursor) output.appendRaw(this.#buffer, cursor, upTo)
    output.cursor = upTo
    this.#touch(output)
  }

  #touch (output: PeerOutbox): void {
    if (output.isDirty) return
    output.isDirty = true
    this.#dirty.push(output)
    this.#arm()
  }

  #arm (): void {
    if (this.#isArmed) return
    this.#isArmed = true
    setImmediate(() => {
      this.#isArmed = false
      if (this.#length > 0 && !this.#isHeld) this.#flushLog()
      this.#flushDirty()
    })
  }

  /** The first packet after a pause goes out with its turn; those that follow closely go together, `holdTime` after it. */
  #hold (): void {
    if (this.#isHeld) return
    const wait = this.#holdTime - (performance.now() - this.#lastFlush)
    if (wait <= 0) return this.#arm()
    this.#isHeld = true
    setTimeout(() => {
      this.#isHeld = false
      if (this.#length > 0) this.#flushLog()
    }, Math.ceil(wait))
  }

  #flushDirty (): void {
    for (const output of this.#dirty) output.flush()
    this.#dirty.length = 0
  }

  #flushLog (): void {
    const log = this.#buffer.subarray(0, this.#length)
    let isShared = false
    if (this.#holdTime > 0) this.#lastFlush = performance.now()
    for (const output of this.#members) {
      if (output.isBlocked) this.#keep(output)
      else {
        output.flushWithRoom(log)
        isShared ||= output.isBlocked
      }
      output.cursor = 0
      output.cutTo = 0
    }
    this.#length = 0
    if (isShared) this.#buffer = Buffer.allocUnsafeSlow(LOG_SIZE)
  }

  /** A blocked member keeps its part in its box, up to the limits. */
  #keep (output: PeerOutbox): void {
    this.#catchUp(output, this.#length)
    if (output.bufferedAmount > this.#limits.bytes || output.waitingPackets > this.#limits.packets) output.owner.closeSlow()
  }

  #makeRoom (needed: number): void {
    if (this.#length > 0) this.#flushLog()
    if (needed > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(needed)
  }
}
