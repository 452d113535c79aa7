/** Time for which a place is reserved for a client of another node, in milliseconds. */
const KEPT = 5000

/** Places in rooms that are reserved for clients that other nodes are about to accept. */
export class Seats {
  readonly #ends = new Map<string, number[]>()

  /** Places that are reserved in a room. */
  count (room: string): number {
    const ends = this.#ends.get(room)
    if (ends === undefined) return 0
    const now = performance.now()
    while (ends.length > 0 && ends[0] <= now) ends.shift()
    if (ends.length === 0) this.#ends.delete(room)
    return ends.length
  }

  reserve (room: string): void {
    this.count(room)
    const ends = this.#ends.get(room) ?? []
    ends.push(performance.now() + KEPT)
    this.#ends.set(room, ends)
  }

  /** A client of another node has joined. */
  take (room: string): void {
    const ends = this.#ends.get(room)
    ends?.shift()
    if (ends?.length === 0) this.#ends.delete(room)
  }
}
