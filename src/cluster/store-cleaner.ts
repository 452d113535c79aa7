import type { KeyStore } from './bus/bus.ts'

/**
 * Drops what the broker keeps of deleted keys, such as the names of rooms, which clients choose: otherwise their number
 * would grow without limit. One node of the cluster does this.
 */
export class StoreCleaner {
  readonly #interval: number
  /** The latest revision of each store at the last round: what was deleted until then is dropped in the next one. */
  readonly #revisions = new Map<KeyStore, number>()
  #nextAt = 0
  #isCleaning = false

  /** `interval`: minimum time for which deleted keys are kept, in milliseconds. */
  constructor (interval: number) {
    this.#interval = interval
  }

  /** This node has joined. */
  open (stores: readonly KeyStore[]): void {
    this.#revisions.clear()
    for (const store of stores) this.#revisions.set(store, 0)
    this.#nextAt = 0
  }

  /** This node is no longer in the cluster. */
  close (): void {
    this.#revisions.clear()
  }

  /** Called regularly on the node that cleans: begins a round if it is time. */
  tick (): void {
    if (this.#isCleaning || performance.now() < this.#nextAt) return
    this.#nextAt = performance.now() + this.#interval
    this.#isCleaning = true
    // The broker does not respond: the next round tries again.
    this.#clean().catch(() => {}).finally(() => { this.#isCleaning = false })
  }

  async #clean (): Promise<void> {
    for (const [store, revision] of [...this.#revisions]) {
      const latest = await store.compact(revision)
      if (this.#revisions.has(store)) this.#revisions.set(store, latest)
    }
  }
}
