/** Seats in rooms that are reserved for clients that have not connected yet, each for the same time. */
export class Seats {
  readonly #milliseconds: number
  /** When the reservations of each room expire, earliest first; rooms are in order of their latest reservation. */
  readonly #ends = new Map<string, number[]>()

  constructor (milliseconds: number) {
    this.#milliseconds = milliseconds
  }

  /** Number of rooms that have reserved seats, or had them recently. */
  get size (): number {
    return this.#ends.size
  }

  /** Seats that are reserved in a room. */
  count (room: string): number {
    return this.#current(room).length
  }

  /** `more`: milliseconds that are added to the usual time. */
  reserve (room: string, more = 0): void {
    this.#deleteExpired()
    const ends = this.#ends.get(room) ?? []
    ends.push(performance.now() + this.#milliseconds + more)
    this.#ends.delete(room)
    this.#ends.set(room, ends)
  }

  /** A client has joined: it takes the oldest seat, as clients cannot be distinguished. */
  take (room: string): void {
    const ends = this.#current(room)
    ends.shift()
    if (ends.length === 0) this.#ends.delete(room)
  }

  /** The room has ended. */
  forget (room: string): void {
    this.#ends.delete(room)
  }

  /** When the reservations of a room expire, without those that have expired. */
  #current (room: string): number[] {
    const ends = this.#ends.get(room)
    if (ends === undefined) return []
    const now = performance.now()
    while (ends[0] <= now) ends.shift()
    if (ends.length === 0) this.#ends.delete(room)
    return ends
  }

  /** Rooms that ended on another node are never counted or forgotten, so their reservations are deleted here. */
  #deleteExpired (): void {
    const now = performance.now()
    for (const [room, ends] of this.#ends) {
      if (ends.at(-1)! > now) return
      this.#ends.delete(room)
    }
  }
}
