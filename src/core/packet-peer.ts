import { errors, GodotError } from '../error.ts'
import { PacketQueue } from './packet-queue.ts'
import type { Packet, QueueLimits } from './packet-queue.ts'

/** Whoever sends into a queue that may be full. */
export interface PacketSender {
  /** The queue is full: send nothing more until `release`. */
  hold (): void
  /** What was held has found room: on with the rest. */
  release (): void
}

/** Something packets go in and out of (Godot's PacketPeer). A full queue holds its senders back; nothing is lost. */
export abstract class PacketPeer {
  #queue: PacketQueue | undefined
  #waiting: Map<PacketSender, Packet> | undefined
  #packetError = 0

  /** Bytes and packets that may wait unread. */
  protected abstract get queueLimits (): QueueLimits
  /** Why there is no packet to read. */
  protected abstract get emptyError (): 'FAILED' | 'ERR_UNAVAILABLE' | 'ERR_UNCONFIGURED'
  /** Tells that `packet` waits to be read. */
  protected abstract signalPacket (packet: Packet): void
  /** Calls `wake` soon, outside of the call under way. */
  protected abstract soon (wake: () => void): void

  /** Sends one packet. */
  abstract putPacket (bytes: Uint8Array): void

  /** Packets that wait to be read. */
  getAvailablePacketCount (): number {
    return this.#queue?.length ?? 0
  }

  /** Takes the oldest packet; ERR_UNAVAILABLE when there is none. */
  getPacket (): Uint8Array {
    return this.takePacket().bytes
  }

  /** Godot's Error number of the last `getPacket`: 0 is good. */
  getPacketError (): number {
    return this.#packetError
  }

  /** The packet that is next to be read. */
  protected get nextPacket (): Packet | undefined {
    return this.#queue?.next
  }

  protected takePacket (): Packet {
    const packet = this.#queue?.shift()
    if (packet === undefined) {
      this.#packetError = errors[this.emptyError].number
      throw new GodotError(this.emptyError)
    }
    this.#packetError = 0
    if (this.#waiting !== undefined && this.#waiting.size > 0) this.soon(() => { this.#wake() })
    return packet
  }

  /** Queues `packet` and signals it; without room it waits and its sender is held, unless `anyway`. */
  protected queuePacket (packet: Packet, sender: PacketSender, anyway = false): void {
    this.#queue ??= new PacketQueue(this.queueLimits)
    if (anyway || this.#queue.hasRoom(packet.bytes.length)) return this.#push(packet)
    this.#waiting ??= new Map()
    this.#waiting.set(sender, packet)
    sender.hold()
  }

  /** Whether a packet of `size` bytes would be queued at once. */
  protected hasQueueRoom (size: number): boolean {
    return this.#queue?.hasRoom(size) ?? true
  }

  /** The sender sends no more: what waits of it is queued over the limit, so that it can still be read. */
  protected queueWaiting (sender: PacketSender): void {
    const packet = this.#waiting?.get(sender)
    if (packet === undefined) return
    this.#waiting!.delete(sender)
    this.#push(packet)
  }

  #push (packet: Packet): void {
    this.#queue!.push(packet)
    this.signalPacket(packet)
  }

  /** Queues what waits as far as there is room, and lets its senders go on. */
  #wake (): void {
    for (const [sender, packet] of this.#waiting ?? []) {
      if (!this.hasQueueRoom(packet.bytes.length)) return
      this.#waiting!.delete(sender)
      this.#push(packet)
      sender.release()
    }
  }
}
