import { PacketQueue } from './packet-queue.ts'
import { pauseReason } from './pause-reason.ts'
import type { PauseReason } from './pause-reason.ts'
import type { Packet, QueueLimits } from './packet-queue.ts'

/** A source of packets that the queue can pause while it is full. */
export interface PacketSender {
  /** Deliver no packet until `resumeReading` with the same reason. */
  pauseReading (reason: PauseReason): void
  /** The reason is gone: continue unless there is another one. */
  resumeReading (reason: PauseReason): void
}

/** What the owner of a queue does for it. */
export interface IncomingQueueHost {
  readonly queueLimits: QueueLimits
  /** A packet was queued. */
  packetQueued (packet: Packet): void
  /** Calls `callback` soon, but not during the current call. */
  defer (callback: () => void): void
}

/** Received packets waiting to be read. A full queue pauses its senders, so that no packet is lost. */
export class IncomingQueue {
  readonly #host: IncomingQueueHost
  readonly #queue: PacketQueue
  /** The packet of each paused sender. */
  #waiting: Map<PacketSender, Packet> | undefined
  /** Whether waiting packets will be admitted soon. */
  #isAdmitting = false

  constructor (host: IncomingQueueHost) {
    this.#host = host
    this.#queue = new PacketQueue(host.queueLimits)
  }

  /** Number of unread packets. */
  get length (): number {
    return this.#queue.length
  }

  /** The packet that `take` returns next. */
  get next (): Packet | undefined {
    return this.#queue.next
  }

  /** Whether a packet of `size` bytes would be queued at once. */
  hasSpace (size: number): boolean {
    return this.#queue.hasSpace(size)
  }

  /** Whether packets of senders that have ended have filled it to twice its limits. */
  get isOverfull (): boolean {
    return this.#queue.isOverfull
  }

  /** Removes and returns the oldest packet. */
  take (): Packet | undefined {
    const packet = this.#queue.shift()
    if (packet !== undefined && this.#waiting !== undefined && this.#waiting.size > 0) this.#admitSoon()
    return packet
  }

  /** Queues a packet. If it does not fit its sender is paused and the packet waits, unless `force` is true. */
  push (packet: Packet, sender: PacketSender, force = false): void {
    if (force || this.#queue.hasSpace(packet.bytes.length)) return this.#add(packet)
    this.#waiting ??= new Map()
    this.#waiting.set(sender, packet)
    sender.pauseReading(pauseReason.QUEUE)
  }

  /** The sender has ended: queues its waiting packet regardless of the limits, so that it can still be read. */
  senderEnded (sender: PacketSender): void {
    const packet = this.#waiting?.get(sender)
    if (packet === undefined) return
    this.#waiting!.delete(sender)
    this.#add(packet)
  }

  /** Whether a packet of the sender waits, so that it is paused. */
  awaits (sender: PacketSender): boolean {
    return this.#waiting?.has(sender) === true
  }

  /** Discards the waiting packet of a sender; whether there was one. */
  discard (sender: PacketSender): boolean {
    return this.#waiting?.delete(sender) === true
  }

  #add (packet: Packet): void {
    this.#queue.push(packet)
    this.#host.packetQueued(packet)
  }

  #admitSoon (): void {
    if (this.#isAdmitting) return
    this.#isAdmitting = true
    this.#host.defer(() => {
      this.#isAdmitting = false
      this.#admitWaiting()
    })
  }

  /** Queues waiting packets while they fit, and resumes their senders. */
  #admitWaiting (): void {
    for (const [sender, packet] of this.#waiting ?? []) {
      if (!this.#queue.hasSpace(packet.bytes.length)) return
      this.#waiting!.delete(sender)
      this.#add(packet)
      sender.resumeReading(pauseReason.QUEUE)
    }
  }
}
