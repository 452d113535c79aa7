/**
 * Numbers of the last messages that arrived from other nodes, by slot. They show which messages were lost, and which
 * are late: a broker that was stopped may deliver them after newer ones when it resumes.
 */
export class LastNumbers {
  readonly #bySlot = new Map<number, number>()
  /** Number after which messages of a node are expected. Earlier ones may still arrive, so it is not a last number. */
  readonly #before = new Map<number, number>()

  /** Expects every message of a node after this number. */
  expectAfter (slot: number, seq: number): void {
    if (this.isUnknown(slot)) this.#before.set(slot, seq)
  }

  /** Whether the loss of a node's next message would go unnoticed. */
  isUnknown (slot: number): boolean {
    return !this.#bySlot.has(slot) && !this.#before.has(slot)
  }

  /**
   * A message has arrived: how many were lost before it; undefined if it is late. Numbers begin after `start`: lower
   * ones that are missing are not lost.
   */
  arrived (slot: number, seq: number, start = 0): number | undefined {
    return this.#advance(slot, seq, start, seq - 1)
  }

  /** A node has reported the number of its last message: how many did not arrive before. `start`: as above. */
  reported (slot: number, seq: number, start = 0): number {
    return this.#advance(slot, seq, start, seq) ?? 0
  }

  /** The node has left, or joined again: its numbers start over. */
  forget (slot: number): void {
    this.#bySlot.delete(slot)
    this.#before.delete(slot)
  }

  /** Up to `seq` everything has arrived or is lost; after `start`, up to `expected`, it should have arrived before. */
  #advance (slot: number, seq: number, start: number, expected: number): number | undefined {
    const last = this.#bySlot.get(slot)
    if (last !== undefined && difference(seq, last) <= 0) return undefined
    this.#bySlot.set(slot, seq)
    const before = last ?? this.#before.get(slot)
    if (before === undefined) return 0
    // `start` is never above `expected`, but may be more than 2^31 below it.
    return Math.max(0, Math.min(difference(expected, before), (expected - start) >>> 0))
  }
}

/** `seq - other`, if that is within 2^31: either may be given by its lower 32 bits only. */
function difference (seq: number, other: number): number {
  return (seq - other) | 0
}
