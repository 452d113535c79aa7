import { isDeepStrictEqual } from 'node:util'
import type { MonitorEvents } from '../server/monitor.ts'
import type { SignalSource } from '../server/signal-source.ts'
import type { RoomCore } from './room-core.ts'
import type { RoomOptions } from './room-options.ts'
import type { Rooms } from './rooms.ts'

type Data = Readonly<Record<string, unknown>>

/** Time that a seat is reserved for a client that knows its room and has not connected yet. */
const RESERVATION_MS = 10_000

/**
 * The rooms that anybody may find: listed, not locked, with a free seat. Whoever opens or is assigned a room has a seat
 * reserved for a while, so that two clients are not sent to the same last seat. A reservation counts for assigning
 * rooms only: who knows the name of a room may still take the seat.
 */
export class Lobby {
  readonly #rooms: Rooms
  /** When the reservations of a room end, in order. */
  readonly #reservations = new WeakMap<RoomCore, number[]>()

  constructor (rooms: Rooms, events: SignalSource<MonitorEvents>) {
    this.#rooms = rooms
    // A client cannot be recognized, as its address may differ between HTTP and WebSocket: any one takes the oldest.
    events.on('joined', ({ room }) => { this.#reservations.get(rooms.coreOf(room))?.shift() })
  }

  /** The rooms that are shown, in order of opening. */
  * rooms (): IterableIterator<RoomCore> {
    for (const room of this.#rooms) if (isOpenToAll(room) && !room.isFull) yield room
  }

  /** Opens a room for a client; it ends when nobody joins soon. Throws as `Rooms.open`. */
  open (options: RoomOptions, address: string): RoomCore {
    const room = this.#rooms.open(undefined, options, { address, isProvisional: true })
    this.#reserve(room)
    return room
  }

  /** The room with a free seat whose data has these members: of several that with the most clients, then the oldest. */
  find (data: Data): RoomCore | undefined {
    let found: RoomCore | undefined
    let most = -1
    for (const room of this.#rooms) {
      const { maxPeers, data: actual } = room.settings
      const taken = this.#takenSeats(room)
      if (taken <= most || !isOpenToAll(room) || (maxPeers > 0 && taken >= maxPeers)) continue
      if (!hasMembers(actual, data)) continue
      found = room
      most = taken
    }
    if (found !== undefined) this.#reserve(found)
    return found
  }

  #reserve (room: RoomCore): void {
    const ends = this.#reservations.get(room) ?? []
    ends.push(performance.now() + RESERVATION_MS)
    this.#reservations.set(room, ends)
  }

  /** Seats of clients in the room, and of those that are on their way. */
  #takenSeats (room: RoomCore): number {
    const ends = this.#reservations.get(room) ?? []
    while (ends[0] <= performance.now()) ends.shift()
    return room.clientCount + ends.length
  }
}

function isOpenToAll ({ settings: { listed, locked }, isClosing }: RoomCore): boolean {
  return listed && !locked && !isClosing
}

function hasMembers (data: Data, wanted: Data): boolean {
  return Object.entries(wanted).every(([name, value]) =>
    Object.hasOwn(data, name) && isDeepStrictEqual(data[name], value))
}
