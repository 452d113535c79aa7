import { randomInt } from 'node:crypto'
import { GodotError } from '../../error.ts'
import { BusError, type KeyStore } from '../bus/bus.ts'
import { decodeLease, encodeLease, leaseKey, type LeaseOwner, type LeaseValue } from './lease-value.ts'
import type { Timings } from './timings.ts'

/** The highest slot; the lowest is 1. */
const MAX_SLOT = 1023
/** How much faster one machine's clock may run than another's. */
const DRIFT = 1.1

/**
 * The right to use a slot, renewed with every heartbeat. If the broker does not acknowledge a renewal, it expires by
 * the clock of this process, before the slot can go to another node.
 */
export class SlotLease {
  readonly slot: number
  readonly value: LeaseValue
  readonly #store: KeyStore
  readonly #timings: Timings
  readonly #lost: () => void
  #state: 'claimed' | 'held' | 'lost' | 'left' = 'claimed'
  #revision: number
  /** When the last renewal was sent that the broker acknowledged, by performance.now(). */
  #acknowledged: number
  readonly #renewals = new Set<Promise<void>>()
  readonly #renewal: NodeJS.Timeout
  #fence: NodeJS.Timeout | undefined

  private constructor (
    store: KeyStore, slot: number, value: LeaseValue, created: { revision: number, sentAt: number }, timings: Timings,
    lost: () => void
  ) {
    this.#store = store
    this.slot = slot
    this.value = value
    this.#timings = timings
    this.#lost = lost
    this.#revision = created.revision
    this.#acknowledged = created.sentAt
    this.#renewal = setInterval(() => { this.renew() }, timings.heartbeat)
    this.#armFence()
  }

  /**
   * Claims a random free slot; `lost` is called once if it is lost later. A node that had a slot before (`previous`)
   * gets that one again unless another node has it.
   *
   * @throws cluster-unavailable if there is none
   * @throws BusError
   */
  static async claim (
    store: KeyStore, taken: Iterable<number>, owner: LeaseOwner, timings: Timings, lost: () => void,
    previous?: number
  ): Promise<SlotLease> {
    for (const slot of candidates(new Set(taken), previous)) {
      const value = { ...owner, epoch: randomInt(1, 2 ** 32), startedAt: Date.now(), hasLeft: false }
      const sentAt = performance.now()
      const revision = await take(store, slot, value, slot === previous)
      if (revision === undefined) continue
      const lease = new SlotLease(store, slot, value, { revision, sentAt }, timings, lost)
      await lease.#waitForLostLease()
      return lease
    }
    throw new GodotError('cluster-unavailable',
      `cluster: all ${MAX_SLOT} slots are taken; one is free again ${timings.quarantine / 1000} s after its node left`)
  }

  /**
   * A young store may replace one that the broker has lost, with it the lease of a node that still uses this slot.
   * Waits until that lease has ended.
   */
  async #waitForLostLease (): Promise<void> {
    try {
      const age = await this.#store.age(leaseKey(this.slot)) ?? 0
      const rest = this.#timings.lease * DRIFT - age
      if (rest > 0) await new Promise(resolve => { setTimeout(resolve, rest) })
      if (!this.#isOwn()) throw new BusError('timeout', leaseKey(this.slot))
      this.#state = 'held'
    } catch (error) {
      this.#end('left')
      throw error
    }
  }

  get epoch (): number {
    return this.value.epoch
  }

  /** Seconds since the last renewal that the broker acknowledged was sent. */
  get age (): number {
    return (performance.now() - this.#acknowledged) / 1000
  }

  /** Whether the slot may be used now. Call it before sending: the process may have been suspended. */
  holdsSlot (): boolean {
    return this.#isOwn() && this.#state === 'held'
  }

  /** Whether no other node can have the slot now. */
  #isOwn (): boolean {
    if (performance.now() - this.#acknowledged >= this.#timings.lease) this.#lose()
    return this.#state === 'claimed' || this.#state === 'held'
  }

  /** Renews it now, without waiting for the response to an earlier renewal. */
  renew (): void {
    if (!this.#isOwn()) return
    // An error of the bus: the next renewal may succeed.
    const renewal = this.#renew().catch(() => {}).finally(() => { this.#renewals.delete(renewal) })
    this.#renewals.add(renewal)
  }

  async #renew (): Promise<void> {
    const sentAt = performance.now()
    const revision = await this.#store.update(leaseKey(this.slot), encodeLease(this.value), this.#revision)
    if (revision === undefined) await this.#reconcile()
    else this.#acknowledge(revision, sentAt)
  }

  /**
   * The key is not as it was left: the response to a renewal was lost or is late, or the broker has lost the key, or
   * another node has the slot.
   */
  async #reconcile (): Promise<void> {
    const key = leaseKey(this.slot)
    const entry = await this.#store.get(key)
    if (entry?.value !== undefined && decodeLease(entry.value).epoch !== this.epoch) this.#lose()
    if (!this.#isOwn()) return
    const sentAt = performance.now()
    const value = encodeLease(this.value)
    const revision = entry === undefined
      ? await this.#store.create(key, value)
      : await this.#store.update(key, value, entry.revision)
    // Refused: the next renewal determines why.
    if (revision !== undefined) this.#acknowledge(revision, sentAt)
  }

  #acknowledge (revision: number, sentAt: number): void {
    if (!this.#isOwn()) return
    this.#revision = revision
    this.#acknowledged = Math.max(this.#acknowledged, sentAt)
    this.#armFence()
  }

  #armFence (): void {
    clearTimeout(this.#fence)
    const rest = this.#acknowledged + this.#timings.lease - performance.now()
    this.#fence = setTimeout(() => { if (this.#isOwn()) this.#armFence() }, Math.max(1, rest))
  }

  #lose (): void {
    const isHeld = this.#state === 'held'
    if (isHeld || this.#state === 'claimed') this.#end('lost')
    if (isHeld) this.#lost()
  }

  #end (state: 'lost' | 'left'): void {
    this.#state = state
    clearInterval(this.#renewal)
    clearTimeout(this.#fence)
  }

  /** Gives up the slot; it stays unused until the quarantine is over. */
  async leave (): Promise<void> {
    if (!this.holdsSlot()) return
    this.#end('left')
    await Promise.all(this.#renewals)
    const value = encodeLease({ ...this.value, hasLeft: true })
    // If it fails, the key expires without the mark.
    await this.#store.update(leaseKey(this.slot), value, this.#revision).catch(() => {})
  }
}

/** Slots to try, one after the other: the previous one, then free ones in random order. */
function * candidates (taken: ReadonlySet<number>, previous: number | undefined): IterableIterator<number> {
  if (previous !== undefined) yield previous
  const free = Array.from({ length: MAX_SLOT }, (_, i) => i + 1).filter(slot => !taken.has(slot))
  while (free.length > 0) yield free.splice(randomInt(free.length), 1)[0]
}

/** Takes a slot that is free, or still held by an earlier lease of this node (`isPrevious`); undefined otherwise. */
async function take (
  store: KeyStore, slot: number, value: LeaseValue, isPrevious: boolean
): Promise<number | undefined> {
  const key = leaseKey(slot)
  if (isPrevious) {
    const entry = await store.get(key)
    const isOwn = entry?.value !== undefined && decodeLease(entry.value).instance === value.instance
    if (isOwn) {
      const revision = await store.update(key, encodeLease(value), entry.revision)
      // A late renewal of the earlier lease may have arrived in between.
      return revision ?? await take(store, slot, value, true)
    }
  }
  return await store.create(key, encodeLease(value))
}
