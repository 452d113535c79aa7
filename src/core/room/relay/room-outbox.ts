import { borrowBuffer, LARGEST_BUFFER, returnBuffer } from '../../../transport/buffer-pool.ts'
import { copyBytes, headerLength, writeHeader } from '../../../protocol/websocket/frame.ts'
import { Roster } from '../../roster.ts'
import type { PacketSender } from '../../peer/incoming-queue.ts'
import type { OutboxLimits, OutboxTotals, PeerOutbox } from '../../peer/peer-outbox.ts'
import type { Backpressure } from './backpressure.ts'

const LOG_SIZE = LARGEST_BUFFER
const NONE: Buffer = Buffer.alloc(0)
/** In rooms of this many members, announcements may wait: milliseconds per member, ten times what their writes take. */
const LARGE_ROOM = 64
const WAIT_PER_MEMBER = 0.05
/** Bytes by which a receiver may exceed twice its limit while senders are paused for it: packets already relayed. */
const IN_TRANSIT = 4 * LOG_SIZE

/** What the outbox reports to the parts of the room on other nodes of a cluster. */
export interface RoomOutboxLink {
  /** Bytes that may still arrive from other nodes after their senders were told to pause. */
  readonly inTransit: number
  /** The log is about to be flushed: the link takes the frames that go elsewhere. Valid until the call returns. */
  flushing (log: Uint8Array): void
  /** Receivers here have started or stopped lagging behind. */
  congestionChanged (isCongested: boolean): void
}

/**
 * What one room sends. A frame for all members is encoded once, into a shared log; at the end of the loop turn each
 * member gets the log in one write, together with frames for that member alone, in the order they were sent. So a turn
 * costs one write per member, however many packets it carries. Buffers are reused only when the system accepted every
 * byte at once.
 *
 * No callback runs during a flush: members found slow are closed after it.
 */
export class RoomOutbox implements OutboxTotals {
  readonly #members = new Roster<PeerOutbox>()
  readonly #limits: OutboxLimits
  readonly #holdTime: number
  readonly #backpressure: Backpressure | undefined
  /** The log of this turn: borrowed when something is sent, so that idle rooms hold no memory. */
  #buffer = NONE
  #length = 0
  /** Length of the last log: the next one is probably as long. */
  #lastLength = 0
  packets = 0
  bytes = 0
  readonly #dirty: PeerOutbox[] = []
  /** Members found slow, closed at the end of the turn. */
  #slow: PeerOutbox[] = []
  #isArmed = false
  /** When the log is sent: 0 with this turn, else on the clock of `performance.now()` by the timer. */
  #due = Infinity
  #timer: NodeJS.Timeout | undefined
  #timerDue = 0
  #lastFlush = 0
  /** Where the last frame of the log begins. */
  #lastFrame = 0
  #link: RoomOutboxLink | undefined

  /**
   * `holdTime`: milliseconds that a packet to all may wait for others when one has just been sent. `backpressure`:
   * pauses members that send while others lag behind; without it a member over the limits is closed at once.
   */
  constructor (limits: OutboxLimits, holdTime = 0, backpressure: Backpressure | undefined = undefined) {
    this.#limits = limits
    this.#holdTime = holdTime
    this.#backpressure = backpressure
  }

  /** Whether members that send have to be paused. */
  get isCongested (): boolean {
    return this.#backpressure?.isActive === true
  }

  /** Pauses a member that sends until the room is no longer congested. */
  pauseSender (sender: PacketSender): void {
    this.#backpressure?.pause(sender)
  }

  /** Connects the outbox with the parts of the room on other nodes. */
  connect (link: RoomOutboxLink): void {
    this.#link = link
    if (this.#backpressure === undefined) return
    this.#backpressure.onChange = isCongested => { link.congestionChanged(isCongested) }
  }

  /** Receivers of the room on another node have started or stopped lagging behind. */
  setCongestedElsewhere (node: number, isCongested: boolean): void {
    this.#backpressure?.setElsewhere(node, isCongested)
  }

  /** The part of the log that is not flushed yet. */
  get log (): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }

  /** Its length in bytes. */
  get logLength (): number {
    return this.#length
  }

  /** Where its last frame begins. */
  get lastFrame (): number {
    return this.#lastFrame
  }

  /** Adds a peer to the receivers of broadcasts. */
  add (outbox: PeerOutbox): void {
    if (outbox.isMember || outbox.isSlow) return
    outbox.cursor = this.#length
    outbox.cutTo = 0
    outbox.follow(this)
    this.#members.add(outbox)
  }

  /** Removes a peer from the receivers of broadcasts; it still gets what was sent before. */
  remove (outbox: PeerOutbox): void {
    if (!outbox.isMember) return
    this.#catchUp(outbox, this.#length)
    outbox.follow(undefined)
    this.#members.delete(outbox)
  }

  /** The peer moves to another room. */
  forget (sender: PacketSender & { readonly outbox: PeerOutbox }): void {
    this.detach(sender.outbox)
    this.#backpressure?.forget(sender)
  }

  /** The peer is closing: it gets no broadcasts, and senders are no longer paused for it. */
  detach (outbox: PeerOutbox): void {
    this.remove(outbox)
    this.#backpressure?.stopWaitingFor(outbox)
  }

  /** Whether a packet of `size` bytes fits the output buffer (Godot: ERR_OUT_OF_MEMORY if not). */
  hasSpace (outbox: PeerOutbox, size: number): boolean {
    if (outbox.isSlow) return false
    const { bytes, packets } = this.#limits
    if (!outbox.isBehind) return size <= bytes
    return outbox.bufferedAmount + size <= bytes && outbox.waitingPackets < packets
  }

  /** The same for a packet of a member: while senders are paused for the receiver, the limit is higher. */
  hasRelaySpace (outbox: PeerOutbox, size: number): boolean {
    if (outbox.isSlow || !outbox.isBehind || !this.#mayWaitFor(outbox)) return this.hasSpace(outbox, size)
    return outbox.bufferedAmount + size <= this.#hardLimit
  }

  /** Sends source[start..end) as one packet to one peer, for which the caller has checked that there is space. */
  send (outbox: PeerOutbox, opcode: number, source: Uint8Array, start: number, end: number): void {
    outbox.count(end - start, 1)
    this.sendControl(outbox, opcode, source, start, end)
    if (outbox.isBlocked) this.#pauseSendersFor(outbox)
  }

  /** Like `send`, for a payload that never changes again, so it is not copied. */
  sendOwn (outbox: PeerOutbox, opcode: number, payload: Uint8Array): void {
    if (outbox.isBlocked) return this.send(outbox, opcode, payload, 0, payload.length)
    outbox.count(payload.length, 1)
    if (outbox.isMember && outbox.cursor !== this.#length) this.#catchUp(outbox, this.#length)
    outbox.write(opcode, payload)
    if (outbox.isBlocked) this.#pauseSendersFor(outbox)
  }

  /** Sends a control frame: in order with the packets, but not counted as one. */
  sendControl (outbox: PeerOutbox, opcode: number, source: Uint8Array, start: number, end: number): void {
    if (outbox.isMember && outbox.cursor !== this.#length) this.#catchUp(outbox, this.#length)
    outbox.append(opcode, source, start, end)
    this.#touch(outbox)
  }

  /** Sends bytes that are not a frame: the HTTP response to the handshake. */
  sendRaw (outbox: PeerOutbox, bytes: Uint8Array): void {
    outbox.appendRaw(bytes, 0, bytes.length)
    this.#touch(outbox)
  }

  /** Sends source[start..end) as one packet to all members except up to two; returns the number of receivers. */
  sendAll (
    opcode: number, source: Uint8Array, start: number, end: number,
    without: PeerOutbox | undefined, alsoWithout: PeerOutbox | undefined
  ): number {
    const receivers = this.#append(opcode, source, start, end, without, alsoWithout)
    if (this.#holdTime > 0) this.#delay(this.#holdTime)
    else this.#sendThisTurn()
    return receivers
  }

  /**
   * Sends one packet about a member to all members but one: who joins or leaves. Each costs a write per member, so in a
   * large room it may wait for others, and for packets, which are not sent before it.
   */
  announce (opcode: number, packet: Uint8Array, without: PeerOutbox | undefined): number {
    const { size } = this.#members
    const receivers = this.#append(opcode, packet, 0, packet.length, without, undefined)
    const wait = Math.max(this.#holdTime, size < LARGE_ROOM ? 0 : size * WAIT_PER_MEMBER)
    if (wait > 0) this.#delay(wait)
    else this.#sendThisTurn()
    return receivers
  }

  #append (
    opcode: number, source: Uint8Array, start: number, end: number,
    without: PeerOutbox | undefined, alsoWithout: PeerOutbox | undefined
  ): number {
    const size = end - start
    const needed = headerLength(size) + size
    if (this.#length + needed > this.#buffer.length) this.#makeSpace(needed)
    const from = this.#length
    const to = from + needed
    this.#lastFrame = from
    copyBytes(this.#buffer, writeHeader(this.#buffer, from, opcode, size), source, start, end)
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
    return receivers
  }

  /**
   * Sends frames of another node to all members, `packets` of `size` payload bytes; parts of it can be excluded at once
   * with `excludePart`. Returns where in the log they are.
   */
  sendFrames (frames: Uint8Array, packets: number, size: number): number {
    if (this.#length + frames.length > this.#buffer.length) this.#makeSpace(frames.length)
    const from = this.#length
    copyBytes(this.#buffer, from, frames, 0, frames.length)
    this.#length = from + frames.length
    this.packets += packets
    this.bytes += size
    if (this.#holdTime > 0) this.#delay(this.#holdTime)
    else this.#sendThisTurn()
    return from
  }

  /** Excludes log[from..to), one frame of `size` payload bytes, from what a member gets; in ascending order. */
  excludePart (outbox: PeerOutbox, from: number, to: number, size: number): void {
    if (outbox.isMember) this.#exclude(outbox, from, to, size)
  }

  #sendThisTurn (): void {
    this.#due = 0
    this.#arm()
  }

  /** Sends everything now instead of at the end of the turn. */
  flush (): void {
    if (this.#length > 0) this.#flushLog()
    this.#flushDirty()
  }

  /** Excludes the last frame, log[from..to), from what a member gets. */
  #exclude (outbox: PeerOutbox, from: number, to: number, size: number): void {
    outbox.count(size, -1)
    if (outbox.cursor === from) outbox.cursor = to
    else if (outbox.cutTo <= outbox.cursor) {
      outbox.cutFrom = from
      outbox.cutTo = to
    } else if (outbox.cutTo === from) outbox.cutTo = to
    else {
      this.#catchUp(outbox, from)
      outbox.cursor = to
    }
  }

  /**
   * Moves log[cursor..upTo) except log[cutFrom..cutTo) into the member's own buffer, so that something else can follow
   * it.
   */
  #catchUp (outbox: PeerOutbox, upTo: number): void {
    const { cursor, cutFrom, cutTo } = outbox
    if (cutTo > cursor) {
      if (cutFrom > cursor) outbox.appendRaw(this.#buffer, cursor, cutFrom)
      if (upTo > cutTo) outbox.appendRaw(this.#buffer, cutTo, upTo)
    } else if (upTo > cursor) outbox.appendRaw(this.#buffer, cursor, upTo)
    outbox.cursor = upTo
    this.#touch(outbox)
  }

  #touch (outbox: PeerOutbox): void {
    if (outbox.isDirty) return
    outbox.isDirty = true
    this.#dirty.push(outbox)
    this.#arm()
  }

  #arm (): void {
    if (this.#isArmed) return
    this.#isArmed = true
    setImmediate(() => { this.#endTurn() })
  }

  #endTurn (): void {
    this.#isArmed = false
    if (this.#length > 0 && this.#due === 0) this.#flushLog()
    this.#flushDirty()
    if (this.#slow.length > 0) this.#closeSlow()
  }

  /**
   * The first packet after a pause is sent with its turn; those that follow closely are sent together, `time`
   * milliseconds after the last ones.
   */
  #delay (time: number): void {
    const due = this.#lastFlush + time
    if (this.#due <= due) return
    const wait = due - performance.now()
    if (wait <= 0) return this.#sendThisTurn()
    this.#due = due
    // A timer that fires earlier than that sends the log a little early.
    if (this.#timer !== undefined && this.#timerDue <= due) return
    clearTimeout(this.#timer)
    this.#timerDue = due
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#length > 0) this.#flushLog()
    }, Math.ceil(wait))
  }

  #flushDirty (): void {
    for (const outbox of this.#dirty) outbox.flush()
    this.#dirty.length = 0
  }

  #flushLog (): void {
    const log = this.#buffer.subarray(0, this.#length)
    this.#link?.flushing(log)
    let isShared = false
    this.#due = Infinity
    if (this.#holdTime > 0 || this.#members.size >= LARGE_ROOM) this.#lastFlush = performance.now()
    // Backwards: removing a slow member moves the last one to its index.
    for (let index = this.#members.size - 1; index >= 0; index--) {
      const outbox = this.#members.at(index)
      if (outbox.isBlocked) this.#copyBacklog(outbox)
      else {
        outbox.flushWithLog(log)
        isShared ||= outbox.isBlocked
      }
      outbox.cursor = 0
      outbox.cutTo = 0
    }
    this.#lastLength = this.#length
    this.#length = 0
    if (!isShared) returnBuffer(this.#buffer)
    this.#buffer = NONE
  }

  /** A blocked member keeps its part of the log in its own buffer; one that is over its limits then is slow. */
  #copyBacklog (outbox: PeerOutbox): void {
    this.#catchUp(outbox, this.#length)
    if (this.#pauseSendersFor(outbox) && this.#isOver(outbox)) this.#markSlow(outbox)
  }

  /** Senders are paused for a peer with a backlog of half its limits; returns whether it has one. */
  #pauseSendersFor (outbox: PeerOutbox): boolean {
    if (!outbox.isBehind) return false
    const { bytes, packets } = this.#limits
    if (outbox.bufferedAmount <= bytes / 2 && outbox.waitingPackets <= packets / 2) return false
    this.#backpressure?.waitFor(outbox)
    return true
  }

  #isOver (outbox: PeerOutbox): boolean {
    const { bytes, packets } = this.#limits
    const { bufferedAmount, waitingPackets } = outbox
    if (this.#mayWaitFor(outbox)) return bufferedAmount > this.#hardLimit
    return bufferedAmount > bytes || waitingPackets > packets
  }

  #mayWaitFor (outbox: PeerOutbox): boolean {
    return this.#backpressure?.mayWaitFor(outbox) === true
  }

  get #hardLimit (): number {
    return 2 * this.#limits.bytes + IN_TRANSIT + (this.#link?.inTransit ?? 0)
  }

  /** A slow member gets nothing more, so that its backlog stops growing; it is closed at the end of the turn. */
  #markSlow (outbox: PeerOutbox): void {
    if (outbox.isSlow) return
    outbox.isSlow = true
    outbox.follow(undefined)
    this.#members.delete(outbox)
    this.#slow.push(outbox)
    this.#arm()
  }

  #closeSlow (): void {
    const slow = this.#slow
    this.#slow = []
    for (const { host } of slow) host.closeSlow()
  }

  #makeSpace (needed: number): void {
    if (this.#length + needed > LOG_SIZE && this.#length > 0) this.#flushLog()
    const larger = borrowBuffer(Math.max(this.#length + needed, Math.min(this.#lastLength, LOG_SIZE)))
    larger.set(this.#buffer.subarray(0, this.#length))
    returnBuffer(this.#buffer)
    this.#buffer = larger
  }
}
