import { GodotError } from '../../error.ts'
import type { RoomOptions } from '../../options/option-types.ts'
import { BusError, type KeyStore, type StoreEntry } from '../bus/bus.ts'
import { isSame, type Lease } from '../membership/lease.ts'
import { decodeJson, encodeJson } from '../message/json.ts'
import { keyOf, roomOf } from '../subjects.ts'

/** Maximum attempts to change an entry, which its home may be writing again after the broker has lost it. */
const ATTEMPTS = 5

/** A room of the cluster: where its server is, and its settings. */
export interface DirectoryEntry extends Lease {
  readonly options: RoomOptions
  /** Milliseconds since 1970. */
  readonly openedAt: number
}

/** An entry and its revision in the store; 0: not known. */
interface Known { readonly entry: DirectoryEntry, readonly revision: number }

type Change = (entry: DirectoryEntry) => DirectoryEntry

/** The pending changes of one room. */
interface Changes {
  /** Changes whose write has not begun; one write makes all of them. */
  waiting: { change: Change, readonly written: Promise<void> } | undefined
  /** Settles when the last write has succeeded or failed. */
  last: Promise<void>
}

/** What the directory needs of the node, and reports to it. */
export interface RoomDirectoryHost {
  /** This node's slot and lease. */
  readonly lease: Lease
  /** The entry of a room has changed, or was removed. */
  entryChanged (room: string, entry: DirectoryEntry | undefined, previous: DirectoryEntry | undefined): void
  /** The broker has lost the store; homes write their rooms again. */
  renewed (): void
}

/** The rooms of the cluster and the home of each: a store that all nodes watch. */
export class RoomDirectory {
  readonly #host: RoomDirectoryHost
  /** Another map after every close. */
  #known = new Map<string, Known>()
  /**
   * Latest revision that the watch has reported. A reply of the store that is not newer is stale if it names a room
   * without an entry here: that room has closed since.
   */
  #reported = 0
  #store: KeyStore | undefined
  #unwatch: (() => void) | undefined
  readonly #changes = new Map<string, Changes>()

  constructor (host: RoomDirectoryHost) {
    this.#host = host
  }

  /** Resolves when all rooms are known; rejects if it is closed in the meantime. */
  async open (store: KeyStore): Promise<void> {
    const known = this.#known
    this.#store = store
    const unwatch = await store.watch(change => {
      if (this.#known !== known) return
      this.#changed(change)
      this.#reported = change.revision
    }, () => { if (this.#known === known) this.#renewed() })
    if (this.#known !== known) {
      unwatch()
      throw new BusError('disconnected', 'rooms')
    }
    this.#unwatch = unwatch
  }

  close (): void {
    this.#unwatch?.()
    this.#unwatch = undefined
    this.#known = new Map()
    this.#reported = 0
  }

  /** Whether it knows the rooms of the cluster. */
  get isOpen (): boolean {
    return this.#unwatch !== undefined
  }

  /** Number of rooms, including `main`. */
  get size (): number {
    return this.#known.size
  }

  get (room: string): DirectoryEntry | undefined {
    return this.#known.get(room)?.entry
  }

  /** All rooms by name. */
  * [Symbol.iterator] (): IterableIterator<[string, DirectoryEntry]> {
    for (const [room, { entry }] of this.#known) yield [room, entry]
  }

  /** Makes this node the home of a room that has no entry; false if another node was faster. */
  async claim (room: string, options: RoomOptions, openedAt: number): Promise<boolean> {
    const entry = { ...this.#host.lease, options, openedAt }
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const revision = await this.#ask(store => store.create(keyOf(room), encodeJson(entry)))
      if (revision !== undefined) {
        this.#set(room, entry, revision)
        return true
      }
      await this.read(room)
      // Otherwise it has ended since the attempt.
      if (this.#known.has(room)) return false
    }
    // c8 ignore next: others open and close it all the time
    throw beingChanged(room)
  }

  /** Makes this node the home of a room whose previous home is gone; false if another node was faster. */
  async takeOver (room: string, options?: RoomOptions): Promise<boolean> {
    const known = this.#known.get(room)
    if (known === undefined) return false
    const entry = { ...known.entry, ...(options && { options }), ...this.#host.lease }
    if (await this.#replace(room, entry, known.revision)) return true
    await this.read(room)
    return false
  }

  /** Changes the settings of a room that has its home here. */
  async change (room: string, options: RoomOptions): Promise<void> {
    await this.#changeEntry(room, entry => ({ ...entry, options: { ...entry.options, ...options } }))
  }

  /** Replaces all settings of a room that has its home here, as those of the entry may be those of an earlier room. */
  async replace (room: string, options: RoomOptions, openedAt?: number): Promise<void> {
    await this.#changeEntry(room, entry => ({ ...entry, options, openedAt: openedAt ?? entry.openedAt }))
  }

  /** Writes of one room run one after the other; changes that are made during a write are written together. */
  async #changeEntry (room: string, change: Change): Promise<void> {
    const changes = this.#changes.get(room) ?? { waiting: undefined, last: Promise.resolve() }
    const { waiting } = changes
    if (waiting !== undefined) {
      const before = waiting.change
      waiting.change = entry => change(before(entry))
      return await waiting.written
    }
    const written = this.#writeAfter(changes, room).finally(() => {
      if (changes.last === written) this.#changes.delete(room)
    })
    changes.waiting = { change, written }
    changes.last = written
    this.#changes.set(room, changes)
    await written
  }

  async #writeAfter (changes: Changes, room: string): Promise<void> {
    await changes.last.catch(() => {})
    const { change } = changes.waiting!
    changes.waiting = undefined
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (await this.#tryChange(room, change)) return
      await this.#readAgain(room)
    }
    // c8 ignore next: the home alone changes an entry, and writes one again when the broker has lost it
    throw beingChanged(room)
  }

  /** False if the entry in the store is not the one that is known here. */
  async #tryChange (room: string, change: Change): Promise<boolean> {
    const known = this.#known.get(room)
    if (known === undefined) return true
    if (!isSame(known.entry, this.#host.lease)) throw beingChanged(room)
    return await this.#replace(room, change(known.entry), known.revision)
  }

  /** Removes a room that has its home here, or whose home is gone; false if another node has it by now. */
  async remove (room: string): Promise<boolean> {
    const all = this.#known
    const known = all.get(room)
    if (known === undefined) return true
    all.delete(room)
    try {
      return await this.#erase(room, known)
    } catch (error) {
      if (!all.has(room)) all.set(room, known)
      throw error
    }
  }

  /** The entry may have another revision: the broker had lost it, and this node may have written it again. */
  async #erase (room: string, { entry, revision }: Known): Promise<boolean> {
    const key = keyOf(room)
    let present = revision
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (present > 0 && await this.#ask(store => store.delete(key, present))) return true
      const found = await this.#ask(store => store.get(key))
      if (found?.value === undefined) return true
      if (!isSame(decodeJson<DirectoryEntry>(found.value), entry)) {
        this.#changed(found)
        return false
      }
      present = found.revision
    }
    /* c8 ignore start: the home alone changes an entry, and writes one again when the broker has lost it */
    return false
    /* c8 ignore stop */
  }

  /** Forgets rooms of other nodes that the broker has lost and no home has written again. */
  async forgetLost (): Promise<void> {
    for (const [room, known] of this.#known) {
      if (known.revision > 0 || isSame(known.entry, this.#host.lease)) continue
      const found = await this.#ask(store => store.get(keyOf(room)))
      if (found !== undefined) this.#changed(found)
      else if (this.#known.get(room) === known) this.#delete(room, 0)
    }
  }

  /** The store may have lost entries that no replica has: writes the rooms of this node again. */
  async restore (): Promise<void> {
    for (const [room, { entry }] of this.#known) {
      if (!isSame(entry, this.#host.lease)) continue
      const revision = await this.#ask(store => store.create(keyOf(room), encodeJson(entry)))
      if (revision === undefined) continue
      const known = this.#known.get(room)
      // It may have ended in the meantime.
      if (known === undefined) await this.#erase(room, { entry, revision })
      else if (known.entry === entry) this.#known.set(room, { entry, revision })
    }
  }

  /** Revisions of a lost store do not apply to the new one. */
  #renewed (): void {
    this.#host.renewed()
    this.#reported = 0
    for (const [room, { entry }] of this.#known) this.#known.set(room, { entry, revision: 0 })
  }

  /** The store has another revision: another node was faster, or the broker has lost the entry. */
  async #readAgain (room: string): Promise<void> {
    const found = await this.#ask(store => store.get(keyOf(room)))
    const known = this.#known.get(room)
    const revision = found?.revision ?? 0
    if (known !== undefined && known.revision > revision) this.#known.set(room, { entry: known.entry, revision })
    else if (found !== undefined) this.#changed(found)
  }

  /** Reads an entry that may not have arrived yet. */
  async read (room: string): Promise<void> {
    const found = await this.#ask(store => store.get(keyOf(room)))
    if (found !== undefined) this.#changed(found)
  }

  async #replace (room: string, entry: DirectoryEntry, revision: number): Promise<boolean> {
    const [key, value] = [keyOf(room), encodeJson(entry)]
    const next = await this.#ask(store =>
      revision === 0 ? store.create(key, value) : store.update(key, value, revision))
    if (next !== undefined) this.#set(room, entry, next)
    return next !== undefined
  }

  /** The response of the store; rejects if this node is not in the cluster, or has lost it in the meantime. */
  async #ask<Answer> (question: (store: KeyStore) => Promise<Answer>): Promise<Answer> {
    const known = this.#known
    if (!this.isOpen) throw new BusError('disconnected', 'rooms')
    const answer = await question(this.#store!)
    if (this.#known !== known) throw new BusError('disconnected', 'rooms')
    return answer
  }

  #changed ({ key, value, revision }: StoreEntry): void {
    const room = roomOf(key)
    if (value === undefined) this.#delete(room, revision)
    else this.#set(room, decodeJson(value), revision)
  }

  #set (room: string, entry: DirectoryEntry, revision: number): void {
    const known = this.#known.get(room)
    if (revision <= (known?.revision ?? this.#reported)) return
    this.#known.set(room, { entry, revision })
    this.#host.entryChanged(room, entry, known?.entry)
  }

  #delete (room: string, revision: number): void {
    const known = this.#known.get(room)
    if (known === undefined || known.revision > revision) return
    this.#known.delete(room)
    this.#host.entryChanged(room, undefined, known.entry)
  }
}

/* c8 ignore start: only races of several nodes get here */
function beingChanged (room: string): GodotError {
  return new GodotError('cluster-unavailable', `room ${room} is being changed by others`)
}
/* c8 ignore stop */
