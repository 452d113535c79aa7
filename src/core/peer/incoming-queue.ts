import { PacketQueue } from './packet-queue.ts'
import type { Packet, QueueLimits } from './packet-queue.ts'

/** A source of packets that the queue can pause while it is full. */
export interface PacketSender {
  /** The queue is full: deliver no packet until `resumeReading`. */
  pauseReading (): void
  /** The packet that did not fit has been queued: continue. */
  resumeReading (): void
}

/** What the owner of a queue does for it. */
export interface IncomingQueueOwner {
  readonly queueLimits: QueueLimits
  /** A packet was queued. */
  packetQueued (packet: Packet): void
  /** Calls `callback` soon, but not during the current call. */
  soon (callback: () => void): void
}

/** Received packets waiting to be read. A full queue pauses its senders, so that no packet is lost. */
export class IncomingQueue {
  readonly #owner: IncomingQueueOwner
  readonly #queue: PacketQueue
  /** The packet of each paused sender. */
  #waiting: Map<PacketSender, Packet> | undefined

  constructor (owner: IncomingQueueOwner) {
    this.#owner = owner
    this.#queue = new PacketQueue(owner.queueLimits)
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
  hasRoom (size: number): boolean {
    return this.#queue.hasRoom(size)
  }

  /** Removes and returns the oldest packet. */
  take (): Packet | undefined {
    const packet = this.#queue.shift()
    if (packet !== undefined && this.#waiting !== undefined && this.#waiting.size > 0) {
      this.#owner.soon(() => { this.#admitWaiting() })
    }
    return packet
  }

  /** Queues a packet. If it does not fit its sender is paused and the packet waits, unless `force` is true. */
  push (packet: Packet, sender: PacketSender, force = false): void {
    if (force || this.#queue.hasRoom(packet.bytes.length)) return this.#add(packet)
    this.#waiting ??= new Map()
    this.#waiting.set(sender, packet)
    sender.pauseReading()
  }

  /** The sender has ended: queues its waiting packet regardless of the limits, so that it can still be read. */
  senderEnded (sender: PacketSender): void {
    const packet = this.#waiting?.get(sender)
    if (packet === undefined) return
    this.#waiting!.delete(sender)
    this.#add(packet)
  }

  #add (packet: Packet): void {
    this.#queue.push(packet)
    this.#owner.packetQueued(packet)
  }

  /** Queues waiting packets while they fit, and resumes their senders. */
  #admitWaiting (): void {
    for (const [sender, packet] of this.#waiting ?? []) {
      if (!this.#queue.hasRoom(packet.bytes.length)) return
      this.#waiting!.delete(sender)
      this.#add(packet)
      sender.resumeReading()
    }
  }
}
