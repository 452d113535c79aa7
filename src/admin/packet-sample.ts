import type { RelayWire } from '../protocol/multiplayer/relay-wire.ts'
import type { SampledPacket } from './feed-event.ts'
import type { WebSocketPeer } from '../core/peer/websocket-peer.ts'

/** Packets told a second at most, however small the sample is said to be. */
const MAX_PER_SECOND = 100
/** Bytes of the payload that are shown. */
const SHOWN = 64

/** Which packets to tell of: every so many-th, of one peer or of all. */
export interface SampleTerms { readonly every: number, readonly peer: number | undefined }

/** Picks packets as they come: every n-th, and not too many a second. */
export class PacketSample {
  readonly #terms: SampleTerms
  /** Packets since the one told last. */
  #passed = 0
  #told = 0
  #second = 0

  constructor (terms: SampleTerms) {
    this.#terms = terms
  }

  /** Whether this packet is one of the sample; then how it is told. */
  pick (peer: WebSocketPeer, bytes: Uint8Array, start: number, end: number, isText: boolean, wire: RelayWire | undefined): SampledPacket | undefined {
    const { every, peer: wanted } = this.#terms
    if (wanted !== undefined && wanted !== peer.id) return undefined
    if (++this.#passed < every || !this.#mayTell()) return undefined
    const standsFor = this.#passed
    this.#passed = 0
    const isRelayed = wire !== undefined && wire.fault(bytes, start, end, peer.id) === undefined
    const from = isRelayed ? wire.contentAt(bytes, start) : start
    const hex = Buffer.from(bytes.buffer, bytes.byteOffset + from, Math.min(end - from, SHOWN)).toString('hex')
    return { id: peer.id, ...(isRelayed ? { target: wire.target(bytes, start) } : {}), isText, bytes: end - start, hex, standsFor }
  }

  #mayTell (): boolean {
    const second = Math.floor(performance.now() / 1000)
    if (second !== this.#second) this.#told = 0
    this.#second = second
    return ++this.#told <= MAX_PER_SECOND
  }
}
