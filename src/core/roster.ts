/** An item that a roster may hold. */
export interface Rostered {
  /** Its index in the roster; undefined while it is in none. */
  rosterIndex?: number | undefined
}

/**
 * An unordered set of items that come and go all the time, each in at most one roster. Not a Set: V8 replaces the table
 * of a Set or Map after a number of changes, and each table refers to its successor. Once a table is in the old
 * generation, young garbage collections free none of its successors, nor what they held, until the next full one.
 */
export class Roster<Item extends Rostered> {
  readonly #items: Item[] = []

  get size (): number {
    return this.#items.length
  }

  /** A copy of its items, so that the roster may change during a loop over them. */
  get items (): Item[] {
    return this.#items.slice()
  }

  /** The item at an index below `size`; the last one moves to the index of one that is removed. */
  at (index: number): Item {
    return this.#items[index]
  }

  add (item: Item): void {
    item.rosterIndex ??= this.#items.push(item) - 1
  }

  /** Returns whether it was there. */
  delete (item: Item): boolean {
    const { rosterIndex } = item
    if (rosterIndex === undefined) return false
    const last = this.#items.pop()!
    if (last !== item) this.#items[rosterIndex] = last
    last.rosterIndex = rosterIndex
    item.rosterIndex = undefined
    return true
  }
}
