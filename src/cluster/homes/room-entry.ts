import { GodotError } from '../../error.ts'
import type { RoomCore } from '../../core/room/room-core.ts'
import { checkRoomName } from '../../core/room/room-name.ts'
import { Seats } from '../../core/room/lobby/seats.ts'
import { reachable } from '../bus/reachable.ts'
import type { NodeContext } from '../node-context.ts'
import type { HomeLookup } from './home-lookup.ts'
import type { RoomClaims } from './room-claims.ts'
import type { DirectoryEntry } from './room-directory.ts'

/** Milliseconds for which a seat is reserved for a client that another node is about to accept. */
const ENTRY_WITHIN = 5000

/** Lets clients into rooms of the whole cluster: the home decides, and reserves a seat. */
export class RoomEntry {
  /** Seats of clients that other nodes are about to accept. */
  readonly seats = new Seats(ENTRY_WITHIN)
  readonly #context: NodeContext
  readonly #homes: HomeLookup
  readonly #claims: RoomClaims

  constructor (context: NodeContext, homes: HomeLookup, claims: RoomClaims) {
    this.#context = context
    this.#homes = homes
    this.#claims = claims
    context.commands.handle('enter', ({ room, address }: { room: string, address: string }) => {
      homes.checkHome(room)
      this.#reserve(room, address)
    })
  }

  /** As `ClusterLink.prepareEntry`. */
  prepare (name: string, address: string): Promise<void> | undefined {
    const isOpen = this.#homes.part(name) !== undefined
    const claim = this.#claims.pending(name)
    if (claim !== undefined && !isOpen) return this.#enterAfter(claim, name, address)
    const entry = this.#homes.directory.get(name)
    if (entry === undefined) return isOpen ? undefined : this.#openFor(name, address)
    if (this.#homes.isHere(entry)) return undefined
    if (!this.#context.isLive(entry)) return Promise.reject(new GodotError('cluster-unavailable'))
    const { locked = false, maxPeers = this.#context.registry.settings.rooms?.maxPeersPerRoom ?? 0 } = entry.options
    return locked || maxPeers > 0 ? this.#enter(entry, name, address) : undefined
  }

  async #enter ({ slot }: DirectoryEntry, room: string, address: string): Promise<void> {
    await this.#context.commands.ask(slot, 'enter', { room, address })
  }

  /** Rejects with the claim: clients do not try one after the other when the broker does not respond. */
  async #enterAfter (claim: Promise<unknown>, room: string, address: string): Promise<void> {
    await claim
    await this.prepare(room, address)
  }

  /** Opens a room for a client; if somebody else was faster, the client enters it as any other room. */
  async #openFor (name: string, address: string): Promise<void> {
    const { rooms, settings } = this.#context.registry
    if (settings.rooms?.create !== 'join' && await this.#isOpenElsewhere(name)) return await this.prepare(name, address)
    rooms.checkEntry(name, address)
    const takeBack = rooms.countOpening(address)
    let opened: RoomCore | undefined
    try {
      opened = await this.#claims.open(name, {}, { address, isProvisional: true, isForClient: true })
    } finally {
      if (opened === undefined) takeBack()
    }
    if (opened === undefined) await this.prepare(name, address)
  }

  /** Asks the store, as this node may not have received yet that another one has opened the room. */
  async #isOpenElsewhere (name: string): Promise<boolean> {
    await reachable(this.#homes.directory.read(checkRoomName(name)))
    return this.#homes.directory.get(name) !== undefined
  }

  /** Another node has a client for a room that has its home here. */
  #reserve (room: string, address: string): void {
    const { rooms, settings: { options } } = this.#context.registry
    const part = this.#homes.part(room)
    if (part === undefined) throw new GodotError('room-not-found')
    rooms.checkEntry(room, address)
    // Other nodes hear of the client only once it is a member.
    this.seats.reserve(room, part.authentication === undefined ? 0 : options.authTimeout * 1000)
  }
}
