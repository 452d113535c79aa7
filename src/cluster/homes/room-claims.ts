import { isDeepStrictEqual } from 'node:util'
import { roomExists } from '../../error.ts'
import type { RoomCore } from '../../core/room/room-core.ts'
import { MAIN } from '../../core/room/room-name.ts'
import type { Opening } from '../../core/room/rooms.ts'
import type { RoomOptions } from '../../options/option-types.ts'
import { BusError } from '../bus/bus.ts'
import { reachable } from '../bus/reachable.ts'
import type { NodeContext } from '../node-context.ts'
import type { HomeLookup } from './home-lookup.ts'
import type { DirectoryEntry } from './room-directory.ts'
import type { RoomRemovals } from './room-removals.ts'
import type { RoomRetries } from './room-retries.ts'
import type { RoomStates } from './room-states.ts'

/** The other parts of the homes of rooms that RoomClaims works with. */
export interface RoomClaimsParts {
  readonly states: RoomStates
  readonly removals: RoomRemovals
  readonly retries: RoomRetries
}

/** Makes this node the home of the rooms that are opened on it. */
export class RoomClaims {
  readonly #context: NodeContext
  readonly #homes: HomeLookup
  readonly #parts: RoomClaimsParts
  /** Rooms that this node is about to open; each resolves or rejects when that is over. */
  readonly #pending = new Map<string, Promise<unknown>>()
  /** Rooms that are open here and may not be in the directory yet. */
  readonly #announced = new Set<string>()
  /** Parts that stayed when the entry of their room was removed or forgotten, and that entry. */
  readonly #removed = new WeakMap<RoomCore, DirectoryEntry>()

  constructor (context: NodeContext, homes: HomeLookup, parts: RoomClaimsParts) {
    this.#context = context
    this.#homes = homes
    this.#parts = parts
  }

  /** Number of rooms of all nodes, including `main` and those that this node is about to open. */
  get roomCount (): number {
    const { directory } = this.#homes
    for (const name of this.#announced) {
      if (directory.get(name) !== undefined || this.#homes.part(name) === undefined) this.#announced.delete(name)
    }
    const isNew = (name: string): boolean => directory.get(name) === undefined && !this.#announced.has(name)
    return directory.size + this.#announced.size + [...this.#pending.keys()].filter(isNew).length
  }

  /** Resolves or rejects when this node has opened a room that it is about to open. */
  pending (room: string): Promise<unknown> | undefined {
    return this.#pending.get(room)
  }

  /** Whether a room is open here, or about to be. */
  isOpenHere (room: string): boolean {
    return this.#homes.part(room) !== undefined || this.#pending.has(room)
  }

  /** Opens a room that no other node can open then; rejects as `Rooms.open` throws. */
  async openRoom (name: string | undefined, options: RoomOptions): Promise<RoomCore> {
    const { rooms } = this.#context.registry
    const checked = rooms.checkOpen(name, options)
    const opened = await this.open(name ?? rooms.unusedName(), checked)
    if (opened !== undefined) return opened
    if (name === undefined) return await this.openRoom(undefined, options)
    throw roomExists(name)
  }

  /** Claims a room, then opens it; undefined if there is one of this name by then, here or on another node. */
  async open (name: string, options: RoomOptions, opening?: Opening): Promise<RoomCore | undefined> {
    const opened = this.#claimAndAdd(name, options, opening).finally(() => {
      if (this.#pending.get(name) === opened) this.#pending.delete(name)
    })
    this.#pending.set(name, opened)
    return await opened
  }

  async #claimAndAdd (name: string, options: RoomOptions, opening?: Opening): Promise<RoomCore | undefined> {
    if (!await this.#claim(name, options)) return undefined
    const part = this.#homes.part(name)
    if (part === undefined) return this.#context.registry.rooms.add(name, options, opening)
    // The application has opened it in the meantime, with settings that the claim does not have.
    this.opened(part)
    return undefined
  }

  async #claim (room: string, options: RoomOptions): Promise<boolean> {
    try {
      return await reachable(this.#obtain(room, options, Date.now()))
    } catch (error) {
      // The broker may have created the entry, and only its response was lost.
      this.#parts.retries.notWritten(room, error)
      throw error
    }
  }

  /** Makes this node the home of a room that is not open; there may be the entry of one that has just ended here. */
  async #obtain (room: string, options: RoomOptions, openedAt: number): Promise<boolean> {
    const { directory } = this.#homes
    if (directory.get(room) === undefined) return await directory.claim(room, options, openedAt)
    await directory.replace(room, options, openedAt)
    return true
  }

  /** A part of a room is opened here: this node becomes its home unless it has one. */
  opened (core: RoomCore): void {
    const { name, settings: { options } } = core
    const { directory } = this.#homes
    const { retries, states } = this.#parts
    const entry = directory.get(name)
    // `main` is claimed when this node joins; its settings may have changed meanwhile.
    if (entry === undefined ? name === MAIN : !this.#homes.isHere(entry)) return
    // The entry may be that of a room which has just ended here, or one written again after the broker had lost it.
    if (entry === undefined || states.isEnded(name)) retries.retryIfFailed(name, this.announce(core))
    else if (!isDeepStrictEqual(entry.options, options)) retries.retryIfFailed(name, directory.takeOver(name, options))
  }

  /**
   * Claims an open room. In the meantime its settings can change, it can end, and another of its name can be opened
   * here.
   */
  async announce (core: RoomCore): Promise<void> {
    const { name, settings: { options } } = core
    const removed = this.#removed.get(core)
    this.#announced.add(name)
    const isClaimed = await this.#obtain(name, options, removed?.openedAt ?? core.openedAt)
    const [part, entry] = [this.#homes.part(name), this.#homes.directory.get(name)]
    if (part === undefined) {
      if (isClaimed) await this.#parts.removals.remove(name)
    } else if (entry !== undefined && !this.#homes.isHere(entry)) {
      // A part that stayed belongs to the same room if it has clients.
      if (removed === undefined || part.localCount === 0) part.abandon()
    } else if (isClaimed && entry === undefined) {
      // The broker has lost the store, and this node has not heard of the new one yet: retried later.
      throw new BusError('disconnected', name)
    } else if (!isDeepStrictEqual(part.settings.options, entry?.options)) {
      await this.#homes.directory.replace(name, part.settings.options)
    }
  }

  /** This node forgets the entry of a room, whose part stays. */
  remember (part: RoomCore, entry: DirectoryEntry): void {
    this.#removed.set(part, entry)
  }

  /** The entry of a room was removed: its home found it empty while clients joined here or elsewhere. */
  reannounce (part: RoomCore, entry: DirectoryEntry): void {
    this.remember(part, entry)
    this.#parts.retries.retryIfFailed(part.name, this.announce(part))
  }

  /** The entry that was removed or forgotten while this part stayed; it has another one now. */
  takeRemoved (part: RoomCore): DirectoryEntry | undefined {
    const removed = this.#removed.get(part)
    this.#removed.delete(part)
    return removed
  }
}
