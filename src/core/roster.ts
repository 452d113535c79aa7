/** An item that a roster may hold. */
export interface Rostered {
  /** Where it is in its roster; undefined while it is in none. */
  place?: number | undefined
}

/**
 * A set of items that come and go all the time, each in one roster at most; without order. Not a Set: V8 makes a new
 * table for a Set or a Map every so many changes, to which the one before refers. Once one of them has become old, no
 * young garbage collection frees any table after it, with all that was in it, until the next full collection.
 */
export class Roster<Item extends Rostered> {
  readonly #items: Item[] = []

  get size (): number {
    return this.#items.length
  }

  /** Those in it now; unlike this array, the roster may change meanwhile. */
  get items (): Item[] {
    return this.#items.slice()
  }

  /** The item at a place below `size`; what is removed gives its place to the last one. */
  at (place: number): Item {
    return this.#items[place]
  }

  add (item: Item): void {
    item.place ??= this.#items.push(item) - 1
  }

  /** Returns whether it was there. */
  delete (item: Item): boolean {
    const { place } = item
    if (place === undefined) return false
    const last = this.#items.pop()!
    if (last !== item) this.#items[place] = last
    last.place = place
    item.place = undefined
    return true
  }
}
