import { noSuchRoom } from '../../error.ts'
import type { RoomOptions } from '../../options/option-types.ts'
import { reachable } from '../bus/reachable.ts'
import type { NodeContext } from '../node-context.ts'
import { withoutHome, type HomeLookup } from './home-lookup.ts'
import type { RoomRetries } from './room-retries.ts'
import { UnconfirmedChanges } from './unconfirmed-changes.ts'

/** Changes the settings of rooms in the whole cluster: each home writes those of its rooms to the directory. */
export class RoomChanges {
  readonly unconfirmed = new UnconfirmedChanges()
  readonly #context: NodeContext
  readonly #homes: HomeLookup
  readonly #retries: RoomRetries

  constructor (context: NodeContext, homes: HomeLookup, retries: RoomRetries) {
    this.#context = context
    this.#homes = homes
    this.#retries = retries
    context.commands.handle('change-room', async ({ room, changes }: { room: string, changes: RoomOptions }) => {
      homes.checkHome(room)
      await this.#changeHere(room, changes)
    })
  }

  /** As `ClusterLink.changeRoom`. */
  async change (room: string, changes: RoomOptions): Promise<void> {
    const home = this.#homes.requiredHome(room)
    if (home === this.#context.lease.slot) return await this.#changeHere(room, changes)
    await this.#context.commands.ask(home, 'change-room', { room, changes })
    // The caller shows the room as it is now, but this node may not have received the change yet.
    await reachable(this.#homes.directory.read(room))
  }

  /** The room has its home here. */
  async #changeHere (room: string, changes: RoomOptions): Promise<void> {
    const part = this.#homes.part(room)
    if (part === undefined) throw noSuchRoom(room)
    part.settings.change(changes)
    const change = this.#homes.directory.change(room, changes)
    this.#retries.retryIfFailed(room, change)
    await reachable(change, `room ${room} is changed on this node only`)
  }

  /** The application has changed settings of a room on this node. */
  changed (room: string, changes: RoomOptions): void {
    const part = this.#homes.part(room)
    // It has changed a room that is closed.
    if (part === undefined) return
    const entry = this.#homes.directory.get(room)
    if (entry !== undefined && !this.#homes.isHere(entry)) {
      this.unconfirmed.add(room, pick(part.settings.options, changes))
      this.#retries.retryIfFailed(room, this.share(room))
    } else this.#retries.retryIfFailed(room, this.#homes.directory.change(room, changes))
  }

  /** Tells the home of a room on another node what was changed here, and applies what it has by then. */
  async share (room: string): Promise<void> {
    const changes = this.unconfirmed.of(room)
    if (Object.keys(changes).length > 0) {
      const home = this.#homes.homeOf(room)
      // Its next home may be about to take over.
      if (home === undefined) throw withoutHome(room)
      await this.#context.commands.ask(home, 'change-room', { room, changes })
      this.unconfirmed.confirm(room, changes)
      await this.#homes.directory.read(room)
    }
    this.apply(room)
  }

  /** Gives the part of a room here the settings that its home on another node has, and those that are not confirmed. */
  apply (room: string): void {
    const [part, entry] = [this.#homes.part(room), this.#homes.directory.get(room)]
    if (part === undefined || entry === undefined || this.#homes.wasHere(entry)) return
    part.settings.apply({ ...entry.options, ...this.unconfirmed.of(room) })
  }
}

/** The present values of the settings named in `changes`. */
function pick (options: RoomOptions, changes: RoomOptions): RoomOptions {
  return Object.fromEntries(Object.entries(options).filter(([name]) => name in changes))
}
