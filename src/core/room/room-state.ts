import { GodotError } from '../../error.ts'
import type { RoomLink } from './room-link.ts'

/** Bytes that a room keeps. */
export const MAX_STATE = 64 * 1024

/** The room of a state. */
interface RoomStateHost {
  readonly isHome: boolean
  readonly link: RoomLink | undefined
}

/**
 * What an application stores with a room: bytes that live as long as the room does. In a cluster they outlive its home:
 * the application that takes a room over (`room_opened` with `failover`) reads them.
 */
export class RoomState {
  readonly #room: RoomStateHost
  /** Without a cluster. */
  #bytes: Uint8Array | undefined

  /** @internal Created by the room. */
  constructor (room: RoomStateHost) {
    this.#room = room
  }

  /**
   * What was set last, undefined if nothing was. In a cluster, rejects with FAILED for a room that is closed or no
   * longer on this node, cluster-unavailable.
   */
  async get (): Promise<Uint8Array | undefined> {
    const { link } = this.#room
    return link === undefined ? this.#bytes : await link.readState()
  }

  /**
   * Keeps these bytes, at most 64 KiB; resolves when the cluster has them. Rejects with ERR_INVALID_PARAMETER for more,
   * FAILED unless the room has its home on this node and, in a cluster, is open, cluster-unavailable.
   */
  async set (bytes: Uint8Array): Promise<void> {
    if (!(bytes instanceof Uint8Array) || bytes.length > MAX_STATE) {
      throw new GodotError('ERR_INVALID_PARAMETER', `state of a room is too large: expected at most ${MAX_STATE} bytes`)
    }
    const { link, isHome } = this.#room
    if (!isHome) throw new GodotError('FAILED', 'the room has its home on another node')
    if (link === undefined) this.#bytes = bytes.slice()
    else await link.writeState(bytes.slice())
  }
}
