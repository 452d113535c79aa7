import type { WebSocketPeer } from '../core/peer/websocket-peer.ts'
import type { RelayWire } from '../protocol/multiplayer/relay-wire.ts'
import type { SampledPacket } from './feed-event.ts'

/** Samples per second at most, however many packets pass. */
const MAX_PER_SECOND = 100
/** Bytes of the payload that a sample shows. */
const MAX_SHOWN_BYTES = 64

/** Which packets to sample: one in `every`, of one peer or of all, of one room or of all. */
export interface SampleOptions {
  readonly every: number
  readonly peer: number | undefined
  readonly room: string | undefined
}

/** Samples one packet in N, and not too many a second. */
export class PacketSampler {
  readonly #options: SampleOptions
  /** Packets since the last sample. */
  #passed = 0
  #sampled = 0
  #second = 0

  constructor (options: SampleOptions) {
    this.#options = options
  }

  /** The sample, if this packet is one. */
  pick (
    peer: WebSocketPeer, bytes: Uint8Array, start: number, end: number, isText: boolean, wire: RelayWire | undefined
  ): SampledPacket | undefined {
    const { every, peer: wanted, room: wantedRoom } = this.#options
    if (wanted !== undefined && wanted !== peer.id) return undefined
    const room = peer.room.name
    if (wantedRoom !== undefined && wantedRoom !== room) return undefined
    if (++this.#passed < every || !this.#mayPick()) return undefined
    const standsFor = this.#passed
    this.#passed = 0
    const isRelayed = wire !== undefined && wire.fault(bytes, start, end, peer.id) === undefined
    const from = isRelayed ? wire.contentAt(bytes, start) : start
    const hex = Buffer.from(bytes.buffer, bytes.byteOffset + from, Math.min(end - from, MAX_SHOWN_BYTES))
      .toString('hex')
    return {
      id: peer.id,
      room,
      ...(isRelayed ? { target: wire.target(bytes, start) } : {}),
      isText,
      bytes: end - start,
      hex,
      standsFor
    }
  }

  #mayPick (): boolean {
    const second = Math.floor(performance.now() / 1000)
    if (second !== this.#second) this.#sampled = 0
    this.#second = second
    return ++this.#sampled <= MAX_PER_SECOND
  }
}
