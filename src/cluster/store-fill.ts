import { setTimeout as delay } from 'node:timers/promises'
import { BusError, type KeyStore } from './bus/bus.ts'

/** Key that is written last: it shows that the store has everything that was known before. */
const FILLED = 'filled'
/** Milliseconds that a node may take to fill a new store before others do it too, and between their checks. */
const [FILLED_WITHIN, PAUSE] = [2000, 20]

/** What knows the content of the store. */
export interface StoreFiller {
  /** Whether the store is still in use. */
  isOpen (store: KeyStore): boolean
  /** Creates the first key of a store; false if another node has. */
  begin (store: KeyStore): Promise<boolean>
  /** Writes what is known, except what others have written. */
  write (store: KeyStore): Promise<void>
}

/** Fills a store that is new: the node that creates its first key writes what it knows, or another if that fails. */
export class StoreFill {
  readonly #filler: StoreFiller
  /** undefined: the store may be another one than before. */
  #isDone: boolean | undefined = false
  #filling: Promise<boolean> | undefined

  constructor (filler: StoreFiller) {
    this.#filler = filler
  }

  /**
   * Whether the store contains what was known before it was new. Until then nothing may be written: the node that fills
   * it would bring back what was deleted in the meantime.
   */
  get isDone (): boolean {
    return this.#isDone === true
  }

  /** A key is in the store; returns whether it is the one that marks the store as filled. */
  found (key: string): boolean {
    if (key !== FILLED) return false
    this.#isDone = true
    return true
  }

  /** The connection was restored: the broker may have lost the store. */
  reconnected (): void {
    this.#isDone = undefined
  }

  /** What is known of this store does not apply to the next one. */
  renewed (): void {
    this.#isDone = false
  }

  /** Resolves when the store is filled, with whether this node did it. */
  async run (store: KeyStore): Promise<boolean> {
    this.#filling ??= this.#fill(store).finally(() => { this.#filling = undefined })
    return await this.#filling
  }

  async #fill (store: KeyStore): Promise<boolean> {
    const isFirst = await this.#filler.begin(store)
    if (!isFirst && await this.#isDoneSoon(store)) return false
    this.#checkOpen(store)
    await this.#filler.write(store)
    await store.create(FILLED, Buffer.from('true'))
    this.#isDone = true
    return true
  }

  /** Whether the node that fills the store has finished within two seconds. */
  async #isDoneSoon (store: KeyStore): Promise<boolean> {
    if (this.#isDone === undefined) {
      const isDone = await isFilled(store)
      this.#isDone ??= isDone
    }
    const deadline = performance.now() + FILLED_WITHIN
    while (!this.#isDone && performance.now() < deadline) {
      await delay(PAUSE)
      this.#checkOpen(store)
    }
    // The watch may be late.
    if (!this.#isDone && await isFilled(store)) this.#isDone = true
    return this.#isDone === true
  }

  #checkOpen (store: KeyStore): void {
    if (!this.#filler.isOpen(store)) throw new BusError('disconnected', FILLED)
  }
}

async function isFilled (store: KeyStore): Promise<boolean> {
  return await store.get(FILLED) !== undefined
}
