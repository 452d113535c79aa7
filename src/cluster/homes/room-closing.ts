import type { RoomEnd } from '../../core/room/room-life.ts'
import { closeCode } from '../../protocol/websocket/close-code.ts'
import type { NodeContext } from '../node-context.ts'
import type { PeerReplica } from '../peers/peer-replica.ts'
import type { HomeLookup } from './home-lookup.ts'
import type { ClosedRoom, CloseFrame, RoomRetries } from './room-retries.ts'

/** Closes rooms on all nodes where they have members. */
export class RoomClosing {
  readonly #context: NodeContext
  readonly #homes: HomeLookup
  readonly #replica: PeerReplica
  readonly #retries: RoomRetries

  constructor (context: NodeContext, homes: HomeLookup, replica: PeerReplica, retries: RoomRetries) {
    this.#context = context
    this.#homes = homes
    this.#replica = replica
    this.#retries = retries
    context.commands.handle('close-room', ({ room, code, reason }: { room: string, code: number, reason: string }) => {
      this.#closeHere(room, { code, reason })
    })
  }

  /** As `ClusterLink.closeRoom`. */
  async close (room: string, end: CloseFrame): Promise<string[]> {
    const home = this.#homes.requiredHome(room)
    if (home !== this.#context.lease.slot) await this.#ask(home, room, end)
    const unreachable: string[] = []
    // A home elsewhere asks them too; asking here shows which ones do not respond.
    const slots = this.#replica.slotsOf(room)
    slots.delete(home)
    const asked = Array.from(slots, async slot => {
      if (!await this.#closeOn(slot, room, end)) unreachable.push(this.#context.nodeIn(slot)?.id ?? `slot ${slot}`)
    })
    this.#homes.part(room)?.life.close(end.code, end.reason)
    await Promise.all(asked)
    return unreachable
  }

  /** A room closes here: its members on other nodes are closed there. */
  closeElsewhere (room: string, end: RoomEnd): void {
    const slots = this.#replica.slotsOf(room)
    const home = this.#homes.homeOf(room)
    if (home !== undefined && home !== this.#context.lease.slot) slots.add(home)
    for (const slot of slots) this.#closeOn(slot, room, end)
  }

  /** A client has joined a room on another node, which does not know yet that the room closes. */
  joinedElsewhere (room: string, slot: number): void {
    const end = this.#homes.part(room)?.life.end
    if (end !== undefined && this.#homes.isHome(room)) this.#closeOn(slot, room, end)
  }

  /**
   * Asks a node again to close a room, unless the node has left or the room has ended since. Without a part here nobody
   * is left in it, but its home may not know that it was closed.
   */
  async closeAgain (slot: number, room: string, { openedAt, ...end }: ClosedRoom): Promise<void> {
    const part = this.#homes.part(room)
    const isHome = this.#homes.homeOf(room) === slot && this.#homes.directory.get(room)?.openedAt === openedAt
    const isNeeded = part === undefined ? isHome : part.isClosing
    if (isNeeded && this.#context.nodeIn(slot) !== undefined) await this.#ask(slot, room, end)
  }

  /** Another node asks to close a room. It may not know all nodes with members yet, so the home asks them itself. */
  #closeHere (room: string, { code, reason }: CloseFrame): void {
    const part = this.#homes.part(room)
    if (part === undefined || part.isClosing) return
    if (part.isHome) part.close(code, reason)
    else part.life.close(code, reason)
  }

  /** Asks a node to close a room, repeatedly until it responds; whether it responds at once. */
  async #closeOn (slot: number, room: string, { code = closeCode.NORMAL, reason }: RoomEnd): Promise<boolean> {
    const openedAt = this.#homes.directory.get(room)?.openedAt
    try {
      await this.#ask(slot, room, { code, reason })
      return true
    } catch (err) {
      this.#retries.notClosed(room, err, slot, { code, reason, openedAt })
      return false
    }
  }

  async #ask (slot: number, room: string, end: CloseFrame): Promise<void> {
    await this.#context.commands.ask(slot, 'close-room', { room, ...end })
  }
}
