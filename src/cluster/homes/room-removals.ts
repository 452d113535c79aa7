import { BusError } from '../bus/bus.ts'
import type { NodeContext } from '../node-context.ts'
import type { HomeLookup } from './home-lookup.ts'
import type { RoomStates } from './room-states.ts'

/** What RoomRemovals needs of the node's rooms. */
export interface RoomRemovalsHost {
  readonly states: RoomStates
  /** Whether a room is open here, or about to be. */
  isOpenHere (room: string): boolean
}

/** Removes rooms that have ended, and their states, from the stores. */
export class RoomRemovals {
  readonly #context: NodeContext
  readonly #homes: HomeLookup
  readonly #host: RoomRemovalsHost
  /** The last removal of each room. */
  readonly #pending = new Map<string, Promise<void>>()

  constructor (context: NodeContext, homes: HomeLookup, host: RoomRemovalsHost) {
    this.#context = context
    this.#homes = homes
    this.#host = host
  }

  has (room: string): boolean {
    return this.#pending.has(room)
  }

  /** Unless another node has the room by now; removals of one room run one after the other. */
  async remove (room: string): Promise<void> {
    const before = this.#pending.get(room)?.catch(() => {})
    const isLast = (): boolean => this.#pending.get(room) === removal
    const removal = this.#removeAfter(before, room, isLast).finally(() => { if (isLast()) this.#pending.delete(room) })
    this.#pending.set(room, removal)
    await removal
  }

  /** Resolves when all are over, also those that have failed. */
  async settled (): Promise<void> {
    await Promise.allSettled(this.#pending.values())
  }

  async #removeAfter (before: Promise<void> | undefined, room: string, isLast: () => boolean): Promise<void> {
    const { directory } = this.#homes
    const { states } = this.#host
    await before
    if (this.#host.isOpenHere(room)) return await states.deleteEnded(room)
    const entry = directory.get(room)
    if (entry === undefined) return
    // Unless it has another home by now: this node takes it over first, so that nobody opens the name in the meantime.
    const isHere = this.#homes.isHere(entry) || (!this.#context.isLive(entry) && await directory.takeOver(room))
    if (!isHere) return
    if (!this.#context.holdsSlot()) throw new BusError('disconnected', room)
    // Before the entry: without it another node may open the next room of the name, which must not have this state.
    await states.delete(room)
    // It may have been opened again in the meantime, and even closed.
    if (!this.#host.isOpenHere(room) && isLast()) await directory.remove(room)
  }
}
