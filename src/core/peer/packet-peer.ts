import { GodotError } from '../../error.ts'
import type { Variant } from '../../protocol/variant/variant-types.ts'
import type { VariantCodec } from '../../protocol/variant/variant-codec.ts'
import type { Packet } from './packet-queue.ts'
import { checkEncodeBuffer, defaultVariantSettings } from './variant-settings.ts'
import type { VariantSettings } from './variant-settings.ts'

/** Sends and receives packets, as bytes or as Variants (Godot's PacketPeer). */
export abstract class PacketPeer {
  #packetError: number = 0
  /** Created when a setting differs from the default, so that the many peers with defaults store nothing. */
  #variantSettings: VariantSettings | undefined

  /** Encodes and decodes Variants of the Godot version the other side has. */
  protected abstract get variants (): VariantCodec
  /** Removes and returns the oldest unread packet; throws when there is none. */
  protected abstract takePacket (): Packet

  /** Sends one packet. Godot: PacketPeer.put_packet. */
  abstract putPacket (bytes: Uint8Array): void

  /** Number of unread packets. Godot: PacketPeer.get_available_packet_count. */
  abstract getAvailablePacketCount (): number

  /**
   * Removes and returns the oldest unread packet. Without one it throws ERR_UNAVAILABLE, or FAILED on a peer that has
   * left; on a server in plain mode ERR_UNCONFIGURED. Godot: PacketPeer.get_packet.
   */
  getPacket (): Uint8Array {
    try {
      const { bytes } = this.takePacket()
      this.#packetError = 0
      return bytes
    } catch (error) {
      if (error instanceof GodotError) this.#packetError = error.number ?? 0
      throw error
    }
  }

  /**
   * Removes the oldest unread packet and returns it decoded as one Variant; bytes after the Variant are ignored.
   * Throws as `getPacket`; ERR_INVALID_DATA when it cannot be decoded, ERR_UNAUTHORIZED when it contains an object and
   * objects are not allowed. In both cases the packet is consumed, as in Godot.
   * Godot: PacketPeer.get_var.
   */
  getVar (allowObjects = false): Variant {
    const allow = allowObjects || this.allowObjectDecoding
    return this.variants.decode(this.takePacket().bytes, { allowObjects: allow })
  }

  /**
   * Sends one Variant as a packet. Throws as `putPacket`; ERR_OUT_OF_MEMORY when it is larger than
   * `encodeBufferMaxSize`, ERR_INVALID_PARAMETER when the value cannot be encoded, ERR_UNAUTHORIZED for an object when
   * objects are not allowed. Godot: PacketPeer.put_var.
   */
  putVar (value: Variant, fullObjects = false): void {
    const bytes = this.variants.encode(value, { allowObjects: fullObjects || this.allowObjectDecoding })
    if (bytes.length > this.encodeBufferMaxSize) {
      const limit = `encodeBufferMaxSize is ${this.encodeBufferMaxSize} bytes`
      throw new GodotError('ERR_OUT_OF_MEMORY', `Variant of ${bytes.length} bytes is too large: ${limit}`)
    }
    this.putPacket(bytes)
  }

  /**
   * Maximum size of a Variant sent by `putVar`: 1024..268435456 bytes, rounded up to a power of two; default 8 MiB.
   * Other values throw ERR_INVALID_PARAMETER. Godot: PacketPeer.encode_buffer_max_size.
   */
  get encodeBufferMaxSize (): number {
    return (this.#variantSettings ?? defaultVariantSettings).encodeBufferMaxSize
  }

  set encodeBufferMaxSize (bytes: number) {
    const { allowObjectDecoding } = this
    this.#variantSettings = { encodeBufferMaxSize: checkEncodeBuffer(bytes), allowObjectDecoding }
  }

  /**
   * Whether `getVar` accepts and `putVar` sends objects in full, as `EncodedObject`: plain data, nothing is ever
   * instantiated. Default false. Godot: PacketPeer.allow_object_decoding.
   */
  get allowObjectDecoding (): boolean {
    return (this.#variantSettings ?? defaultVariantSettings).allowObjectDecoding
  }

  set allowObjectDecoding (enable: boolean) {
    const { encodeBufferMaxSize } = this
    this.#variantSettings = { encodeBufferMaxSize, allowObjectDecoding: enable }
  }

  /**
   * Godot's Error number of the last `getPacket`, 0 when it succeeded. `getVar` does not change it.
   * Godot: PacketPeer.get_packet_error.
   */
  getPacketError (): number {
    return this.#packetError
  }
}
