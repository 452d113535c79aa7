import { hasMembers } from '../../../has-members.ts'
import type { ClusterLink } from '../../server/cluster-link.ts'
import type { MonitorEvents } from '../../server/monitor.ts'
import type { SignalSource } from '../../server/signal-source.ts'
import type { RoomCore } from '../room-core.ts'
import type { RoomOptions } from '../../../options/option-types.ts'
import type { RoomSettings } from '../room-settings.ts'
import type { Room } from '../room.ts'
import type { Rooms } from '../rooms.ts'
import { Seats } from './seats.ts'
import type { RoomServer } from '../room-server.ts'

type Data = Readonly<Record<string, unknown>>

/** Milliseconds for which a seat is reserved for a client that has not connected yet. */
const CONNECTION_WITHIN = 10_000

/** A room that anybody may find, on this node or another one. */
export type ListedRoom = Pick<Room, 'name' | 'peerCount' | 'maxPeers' | 'data' | 'openedAt'>

/** A room that may be found, if it is not locked or full. */
interface Candidate extends ListedRoom {
  /** Clients in it, including authenticating ones. */
  readonly taken: number
}

/**
 * The rooms that anybody may find: listed, not locked, with a free seat; in a cluster those of all nodes. A client that
 * opens or is assigned a room has a seat reserved for a while, so that two clients are not sent to the same last seat.
 * Reservations only affect which room is assigned: a client that knows the name of the room may still take the seat.
 */
export class Lobby {
  readonly #server: RoomServer
  readonly #rooms: Rooms
  readonly #seats = new Seats(CONNECTION_WITHIN)

  constructor (server: RoomServer, events: SignalSource<MonitorEvents>) {
    this.#server = server
    this.#rooms = server.rooms
    // Any client takes a seat: clients cannot be matched by address, which may differ between HTTP and WebSocket.
    events.on('joined', ({ room }) => { this.#seats.take(room.name) })
    events.on('room_closed', ({ name }) => { this.#seats.forget(name) })
    server.cluster?.joinReceivers.add(room => { this.#seats.take(room) })
  }

  /** The rooms that are shown, in order of opening on each node. */
  * rooms (): IterableIterator<ListedRoom> {
    for (const room of this.#candidates()) if (room.maxPeers === 0 || room.taken < room.maxPeers) yield room
  }

  /** Opens a room for a client; it closes if nobody joins soon. Throws as `Rooms.open`. */
  open (options: RoomOptions, address: string): ListedRoom {
    const { room } = this.#rooms.open(undefined, options, { address, isProvisional: true })
    this.#reserve(room.name)
    return room
  }

  /** A room with a free seat whose data has these members: the one with the most clients, of equal ones the oldest. */
  find (data: Data): ListedRoom | undefined {
    let found: Candidate | undefined
    let most = -1
    for (const room of this.#candidates()) {
      // Authenticating clients have connected, but take their reserved seats only when they join.
      const taken = Math.max(room.taken, room.peerCount + this.#seats.count(room.name))
      if (taken <= most || (room.maxPeers > 0 && taken >= room.maxPeers)) continue
      if (!hasMembers(room.data, data)) continue
      found = room
      most = taken
    }
    if (found !== undefined) this.#reserve(found.name)
    return found
  }

  /** A client that connects in time may still have to authenticate. */
  #reserve (room: string): void {
    const { authenticate, authTimeout } = this.#server.settings.options
    this.#seats.reserve(room, authenticate === undefined ? 0 : authTimeout * 1000)
  }

  #candidates (): Iterable<Candidate> {
    const { cluster } = this.#server
    return cluster === undefined ? this.#candidatesHere() : this.#candidatesOf(cluster)
  }

  * #candidatesHere (): IterableIterator<Candidate> {
    for (const room of this.#rooms) if (isOpenToAll(room.settings) && !room.isClosing) yield new LocalCandidate(room)
  }

  /** Only the cluster knows when a room was opened that has a part here since later. */
  * #candidatesOf (cluster: ClusterLink): IterableIterator<Candidate> {
    for (const room of cluster.rooms()) {
      if (!isOpenToAll(room)) continue
      const { name, peerCount, maxPeers, data, openedAt } = room
      const part = this.#rooms.find(name)
      if (part?.isClosing === true) continue
      yield { name, peerCount, maxPeers, data, openedAt, taken: part?.clientCount ?? peerCount }
    }
  }
}

/** There may be thousands, and most are only looked at: nothing is read of a room before it is needed. */
class LocalCandidate implements Candidate {
  readonly #room: RoomCore

  constructor (room: RoomCore) {
    this.#room = room
  }

  get name (): string {
    return this.#room.name
  }

  get peerCount (): number {
    return this.#room.peerCount
  }

  get maxPeers (): number {
    return this.#room.settings.maxPeers
  }

  get data (): Data {
    return this.#room.settings.data
  }

  get openedAt (): number {
    return this.#room.openedAt
  }

  get taken (): number {
    return this.#room.clientCount
  }
}

function isOpenToAll ({ listed, locked }: Pick<RoomSettings, 'listed' | 'locked'>): boolean {
  return listed && !locked
}
