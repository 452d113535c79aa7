/** What came in one message: its bytes, whether they were text, and who sent it. */
export interface Packet { readonly bytes: Uint8Array, readonly isText: boolean, readonly source: number }

/** How much may wait unread: with Godot's buffers of B bytes and P packets, B - 1 and P - 1. */
export interface QueueLimits { readonly bytes: number, readonly packets: number }

/** Packets in the order they came, up to the limits. */
export class PacketQueue {
  readonly #limits: QueueLimits
  #packets: Packet[] = []
  #first = 0
  #bytes = 0

  constructor (limits: QueueLimits) {
    this.#limits = limits
  }

  /** Packets that wait. */
  get length (): number {
    return this.#packets.length - this.#first
  }

  /** Whether a packet of `size` bytes fits; into an empty queue any does. */
  hasRoom (size: number): boolean {
    return this.length === 0 || (this.length < this.#limits.packets && this.#bytes + size <= this.#limits.bytes)
  }

  push (packet: Packet): void {
    this.#packets.push(packet)
    this.#bytes += packet.bytes.length
  }

  /** The packet that `shift` will give. */
  get next (): Packet | undefined {
    return this.#packets[this.#first]
  }

  /** Takes the oldest packet out. */
  shift (): Packet | undefined {
    const packet = this.next
    if (packet === undefined) return undefined
    this.#bytes -= packet.bytes.length
    this.#first++
    // Taking from the front of an array moves the rest: so seldom, and half of it at a time.
    if (this.#first > 32 && this.#first * 2 > this.#packets.length) {
      this.#packets = this.#packets.slice(this.#first)
      this.#first = 0
    }
    return packet
  }
}
