import { type AddressRange, networkOf, parseAddressRange, wordsOf } from '../../address-range.ts'
import { GodotError } from '../../error.ts'

/** Longest duration of a ban that expires, about 300 years: dates end in the year 275760. */
export const MAX_BAN_SECONDS = 1e10

/** An IP address or range that may not connect. */
export interface Ban {
  /** The address, or the range in CIDR notation, normalized. */
  readonly address: string
  /** Why, for clients and operators; '' if none was given. */
  readonly reason: string
  /** When it was imposed, in milliseconds since 1970. */
  readonly since: number
  /** When it expires, in milliseconds since 1970; undefined: never. */
  readonly until: number | undefined
}

/** Duration and reason of a ban. */
export interface BanTerms {
  /** Seconds until it expires, at most 10,000,000,000; default: never. */
  readonly seconds?: number | undefined
  /** Why, for clients and operators; the reason of the close frame. */
  readonly reason?: string | undefined
}

/** Milliseconds between two sweeps of expired bans. */
const SWEEP_MS = 60_000

/** A ban, and when it expires on the monotonic clock of `performance.now()`. */
interface Entry { readonly ban: Ban, readonly expiresAt: number }

/** Banned addresses. A lookup costs one step for each prefix length in use, however many bans there are. */
export class Bans {
  /** By prefix length, then by the words of the network. */
  readonly #byLength = new Map<number, Map<string, Entry>>()
  #sweptAt = -Infinity

  /** Number of bans in memory; an expired one is forgotten after a minute at most if others are added. */
  get size (): number {
    let size = 0
    for (const entries of this.#byLength.values()) size += entries.size
    return size
  }

  /** Bans addresses and CIDR ranges, or replaces their bans; throws ERR_INVALID_PARAMETER and bans none. */
  banAll (addresses: Iterable<string>, { seconds, reason = '' }: BanTerms = {}): Ban[] {
    if (seconds !== undefined && !(Number.isFinite(seconds) && seconds > 0 && seconds <= MAX_BAN_SECONDS)) {
      const expected = `more than 0 and at most ${MAX_BAN_SECONDS}, or none for a permanent ban`
      throw new GodotError('ERR_INVALID_PARAMETER', `seconds ${String(seconds)}: expected ${expected}`)
    }
    const ranges = [...addresses].map(parseRange)
    const since = Date.now()
    const terms = { reason, since, until: seconds === undefined ? undefined : since + seconds * 1000 }
    return ranges.map(range => this.#add(range, terms))
  }

  /** Adds a ban of an earlier process or another node, unless it has expired; throws ERR_INVALID_PARAMETER. */
  restore ({ address, ...terms }: Ban): Ban | undefined {
    const now = Date.now()
    if (terms.until !== undefined && terms.until <= now) return undefined
    return this.#add(parseRange(address), { ...terms, until: terms.until }, now - terms.since)
  }

  /** `age`: milliseconds since it was imposed. */
  #add ({ network, length, text }: AddressRange, terms: Omit<Ban, 'address'>, age: number = 0): Ban {
    const ban = { address: text, ...terms }
    if (performance.now() - this.#sweptAt >= SWEEP_MS) this.#sweep()
    if (!this.#byLength.has(length)) this.#byLength.set(length, new Map())
    const expiresAt = performance.now() - age + (ban.until ?? Infinity) - ban.since
    this.#byLength.get(length)!.set(network.join(), { ban, expiresAt })
    return ban
  }

  /** Lifts the ban of exactly this address or range; throws ERR_DOES_NOT_EXIST without one. */
  unban (address: string): Ban {
    const { network, length } = parseRange(address)
    const entry = this.#get(length, network.join())
    if (entry === undefined) throw new GodotError('ERR_DOES_NOT_EXIST', `address ${address} is not banned`)
    this.#delete(length, network.join())
    return entry.ban
  }

  /** The ban that applies to this address. */
  find (address: string): Ban | undefined {
    const words = this.#byLength.size === 0 ? undefined : wordsOf(address)
    if (words === undefined) return undefined
    for (const length of this.#byLength.keys()) {
      const network = networkOf(words, length)
      const entry = network === undefined ? undefined : this.#get(length, network.join())
      if (entry !== undefined) return entry.ban
    }
    return undefined
  }

  /** Whether exactly this address or range is banned. */
  has (address: string): boolean {
    const range = parseAddressRange(address)
    return range !== undefined && this.#get(range.length, range.network.join()) !== undefined
  }

  /** Bans in effect, oldest first. */
  list (): Ban[] {
    this.#sweep()
    const entries = [...this.#byLength.values()].flatMap(entries => [...entries.values()])
    return entries.map(({ ban }) => ban).sort((a, b) => a.since - b.since)
  }

  /** Deletes expired bans. */
  #sweep (): void {
    this.#sweptAt = performance.now()
    for (const [length, entries] of this.#byLength) for (const network of entries.keys()) this.#get(length, network)
  }

  /** A ban in effect; an expired one is deleted. */
  #get (length: number, network: string): Entry | undefined {
    const entry = this.#byLength.get(length)?.get(network)
    if (entry === undefined || entry.expiresAt > performance.now()) return entry
    this.#delete(length, network)
    return undefined
  }

  #delete (length: number, network: string): void {
    const entries = this.#byLength.get(length)!
    entries.delete(network)
    if (entries.size === 0) this.#byLength.delete(length)
  }
}

function parseRange (address: string): AddressRange {
  const range = typeof address === 'string' ? parseAddressRange(address) : undefined
  if (range === undefined) {
    throw new GodotError('ERR_INVALID_PARAMETER', `address ${String(address)}: expected an IP address or a CIDR range`)
  }
  return range
}
