/** One received message: its bytes, whether it was a text message, and the id of its sender. */
export interface Packet {
  readonly bytes: Uint8Array
  readonly isText: boolean
  readonly source: number
  /** Whether it announced a path, and was answered when it came (multiplayer mode of Godot 3). */
  readonly isAnswered?: boolean
}

/** Maximum of unread bytes and packets: with Godot's buffers of B bytes and P packets, B - 1 and P - 1. */
export interface QueueLimits { readonly bytes: number, readonly packets: number }

/** A first-in, first-out queue of packets with limits. */
export class PacketQueue {
  readonly #limits: QueueLimits
  #packets: Array<Packet | undefined> = []
  #first = 0
  #bytes = 0

  constructor (limits: QueueLimits) {
    this.#limits = limits
  }

  /** Number of queued packets. */
  get length (): number {
    return this.#packets.length - this.#first
  }

  /** Whether a packet of `size` bytes fits; an empty queue takes a packet of any size. */
  hasSpace (size: number): boolean {
    return this.length === 0 || (this.length < this.#limits.packets && this.#bytes + size <= this.#limits.bytes)
  }

  /** Whether it holds twice as much as its limits. */
  get isOverfull (): boolean {
    return this.#bytes >= 2 * this.#limits.bytes || this.length >= 2 * this.#limits.packets
  }

  /** Appends a packet, regardless of the limits. */
  push (packet: Packet): void {
    this.#packets.push(packet)
    this.#bytes += packet.bytes.length
  }

  /** The packet that `shift` returns next. */
  get next (): Packet | undefined {
    return this.#packets[this.#first]
  }

  /** Removes and returns the oldest packet. */
  shift (): Packet | undefined {
    const packet = this.next
    if (packet === undefined) return undefined
    this.#bytes -= packet.bytes.length
    // What was read must not stay in memory.
    this.#packets[this.#first++] = undefined
    // Array.shift moves all elements; dropping the consumed half at once makes it amortized O(1).
    if (this.#first > 32 && this.#first * 2 > this.#packets.length) {
      this.#packets = this.#packets.slice(this.#first)
      this.#first = 0
    }
    return packet
  }
}
