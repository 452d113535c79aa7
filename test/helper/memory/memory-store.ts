import type { StoreEntry } from '../../../src/cluster/bus/bus.ts'

/** A key; without a value it was deleted. */
interface Kept {
  readonly value: Uint8Array | undefined
  readonly revision: number
  readonly changedAt: number
}

/** The keys of one store of a MemoryBroker. */
export class MemoryStore {
  readonly #lifetime: number
  readonly #keys = new Map<string, Kept>()
  readonly #madeAt: number
  readonly #watchers = new Set<(entry: StoreEntry) => void>()
  #revision = 0

  /** Keys expire `seconds` after their last change; `madeAt` is a time of performance.now(). */
  constructor (seconds: number, madeAt: number) {
    this.#lifetime = seconds * 1000
    this.#madeAt = madeAt
  }

  /** How old the store was when the key was last changed, in milliseconds; undefined when there is no such key. */
  age (key: string): number | undefined {
    const kept = this.#unexpired(key)
    return kept?.value === undefined ? undefined : kept.changedAt - this.#madeAt
  }

  /** Undefined if the key does not exist. */
  get (key: string): StoreEntry | undefined {
    const kept = this.#unexpired(key)
    return kept?.value === undefined ? undefined : entryOf(key, kept)
  }

  /** Sets a key, or deletes it when there is no value; the new revision. */
  set (key: string, value: Uint8Array | undefined): number {
    const kept = { value, revision: ++this.#revision, changedAt: performance.now() }
    // The keys are in order of revision.
    this.#keys.delete(key)
    this.#keys.set(key, kept)
    for (const watcher of this.#watchers) watcher(entryOf(key, kept))
    return kept.revision
  }

  /** What has changed since a revision, deleted keys included. */
  changedSince (revision: number): StoreEntry[] {
    return [...this.#keys.keys()].flatMap(key => {
      const kept = this.#unexpired(key)
      return kept === undefined || kept.revision <= revision ? [] : [entryOf(key, kept)]
    })
  }

  /** Forgets keys that were deleted up to this revision; the latest one. */
  compact (upTo: number): number {
    for (const [key, { value, revision }] of this.#keys) {
      if (value === undefined && revision <= upTo) this.#keys.delete(key)
    }
    return this.#revision
  }

  /** Calls back with every change; returns a function that unsubscribes. */
  watch (watcher: (entry: StoreEntry) => void): () => void {
    this.#watchers.add(watcher)
    return () => { this.#watchers.delete(watcher) }
  }

  #unexpired (key: string): Kept | undefined {
    const kept = this.#keys.get(key)
    if (kept === undefined || performance.now() - kept.changedAt < this.#lifetime) return kept
    this.#keys.delete(key)
    return undefined
  }
}

/** With bytes of its own, so that a reader may change them. */
function entryOf (key: string, { value, revision }: Kept): StoreEntry {
  return { key, value: value && new Uint8Array(value), revision }
}
