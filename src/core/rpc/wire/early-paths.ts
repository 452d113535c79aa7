import type { ServerOptions } from '../../../options/option-types.ts'
import { fromRoot } from './node-path.ts'
import type { Announcement } from './rpc-wire.ts'
import type { Wire } from './wires.ts'

/** What is kept of one peer: paths, and characters of each. */
const MAX_PATHS = 256
const MAX_LENGTH = 256

/** How confirmations are made and sent. */
export interface EarlyPathsHost {
  readonly wire: Pick<Wire, 'announcementIn' | 'confirmationsOf'>
  readonly options: ServerOptions
  putTo (peer: number, packet: Uint8Array): void
}

/**
 * Confirms the paths that peers announce while no application uses remote calls, and keeps them for its first use. A
 * client sends its calls to each peer by itself, with full paths, until every receiver has confirmed, the server among
 * them. This costs little: thousands of rooms may be mere relays.
 */
export class EarlyPaths {
  readonly #link: EarlyPathsHost
  readonly #announced = new Map<number, Announcement[]>()

  constructor (link: EarlyPathsHost) {
    this.#link = link
  }

  /**
   * Keeps and confirms the path that a packet announces. False, and nothing is done, for a packet that needs more than
   * that: a confirmation, an id that is known, more than is kept here, or bytes that do not decode.
   */
  receive (peer: number, packet: Uint8Array): boolean {
    const { wire, options } = this.#link
    const announcement = this.#read(packet)
    if (announcement === undefined || announcement.path.length > MAX_LENGTH) return false
    const kept = this.#announced.get(peer) ?? []
    if (kept.length >= MAX_PATHS || kept.some(({ id }) => id === announcement.id)) return false
    kept.push({ ...announcement, path: fromRoot(announcement.path) })
    this.#announced.set(peer, kept)
    for (const confirmation of wire.confirmationsOf(announcement, options)) this.#link.putTo(peer, confirmation)
    return true
  }

  /** What a peer has announced. */
  of (peer: number): readonly Announcement[] {
    return this.#announced.get(peer) ?? []
  }

  /** What a peer has announced, which is forgotten here. */
  take (peer: number): readonly Announcement[] {
    const announced = this.of(peer)
    this.#announced.delete(peer)
    return announced
  }

  /** What all have announced. */
  get all (): Iterable<readonly [peer: number, announced: readonly Announcement[]]> {
    return this.#announced
  }

  /** A peer has moved here that has announced these elsewhere. */
  adopt (peer: number, announced: readonly Announcement[]): void {
    this.#announced.set(peer, [...announced])
  }

  /** Undefined for a packet that does not decode, too, which whoever receives it next reports. */
  #read (packet: Uint8Array): Announcement | undefined {
    try {
      return this.#link.wire.announcementIn(packet)
    } catch {
      return undefined
    }
  }
}
