import { errors, GodotError } from '../../error.ts'
import type { Variant } from '../../protocol/variant/variant-types.ts'
import type { VariantCodec } from '../../protocol/variant/variant-codec.ts'
import { variant3 } from '../../protocol/variant/variant.ts'
import { PacketQueue } from './packet-queue.ts'
import type { Packet, QueueLimits } from './packet-queue.ts'
import { checkEncodeBuffer, defaultVariantRules } from './packet-variants.ts'
import type { VariantRules } from './packet-variants.ts'

/** Rules other than the defaults; they lie here, so that the many peers without any carry nothing. */
const variantRules = new WeakMap<PacketPeer, VariantRules>()

/** Whoever sends into a queue that may be full. */
export interface PacketSender {
  /** The queue is full: send nothing more until `release`. */
  pauseReading (): void
  /** What was held has found room: on with the rest. */
  resumeReading (): void
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

  /** The same for who only looks, and will not read them. */
  get unreadPackets (): number {
    return this.#queue?.length ?? 0
  }

  /** Takes the oldest packet; ERR_UNAVAILABLE when there is none. */
  getPacket (): Uint8Array {
    this.#packetError = this.nextPacket === undefined ? errors[this.emptyError].number : 0
    return this.takePacket().bytes
  }

  /**
   * Takes the oldest packet as one Variant; bytes after it are ignored. Errors as `getPacket`; and ERR_INVALID_DATA when it is none or
   * ERR_UNAUTHORIZED for an object that is not allowed: then the packet is gone all the same, as in Godot.
   */
  getVar (allowObjects = false): Variant {
    return this.variants.decode(this.takePacket().bytes, { allowObjects: allowObjects || this.allowObjectDecoding })
  }

  /**
   * Sends one Variant as a packet. Errors as `putPacket`; and ERR_OUT_OF_MEMORY over `encodeBufferMaxSize`, ERR_INVALID_PARAMETER for what
   * is no Variant, ERR_UNAUTHORIZED for an object that is not allowed.
   */
  putVar (value: Variant, fullObjects = false): void {
    const bytes = this.variants.encode(value, { allowObjects: fullObjects || this.allowObjectDecoding })
    if (bytes.length > this.encodeBufferMaxSize) throw new GodotError('ERR_OUT_OF_MEMORY', `a Variant of ${bytes.length} bytes, encodeBufferMaxSize is ${this.encodeBufferMaxSize}`)
    this.putPacket(bytes)
  }

  /** Variants as the other side has them: those of its version of Godot. */
  get variants (): VariantCodec {
    return variant3
  }

  /** Bytes a Variant of `putVar` may have: 1024 to 268435456, rounded up to a power of two; 8 MiB at first. */
  get encodeBufferMaxSize (): number {
    return this.#variantRules.encodeBufferMaxSize
  }

  set encodeBufferMaxSize (bytes: number) {
    variantRules.set(this, { ...this.#variantRules, encodeBufferMaxSize: checkEncodeBuffer(bytes) })
  }

  /** Whether `getVar` takes and `putVar` sends objects in full, as `EncodedObject`: data, nothing is ever instantiated. False at first. */
  get allowObjectDecoding (): boolean {
    return this.#variantRules.allowObjectDecoding
  }

  set allowObjectDecoding (enable: boolean) {
    variantRules.set(this, { ...this.#variantRules, allowObjectDecoding: enable })
  }

  /** Godot's Error number of the last `getPacket`: 0 is good. `getVar` leaves it as it is. */
  getPacketError (): number {
    return this.#packetError
  }

  /** The packet that is next to be read. */
  protected get nextPacket (): Packet | undefined {
    return this.#queue?.next
  }

  /** Takes the oldest packet, however it is to be read. */
  protected takePacket (): Packet {
    const packet = this.#queue?.shift()
    if (packet === undefined) throw new GodotError(this.emptyError)
    if (this.#waiting !== undefined && this.#waiting.size > 0) this.soon(() => { this.#wake() })
    return packet
  }

  /** Queues `packet` and signals it; without room it waits and its sender is held, unless `anyway`. */
  protected queuePacket (packet: Packet, sender: PacketSender, anyway = false): void {
    this.#queue ??= new PacketQueue(this.queueLimits)
    if (anyway || this.#queue.hasRoom(packet.bytes.length)) return this.#push(packet)
    this.#waiting ??= new Map()
    this.#waiting.set(sender, packet)
    sender.pauseReading()
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

  get #variantRules (): VariantRules {
    return variantRules.get(this) ?? defaultVariantRules
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
      sender.resumeReading()
    }
  }
}
