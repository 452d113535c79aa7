import { networkOf, parseAddressRange } from '../../address-range.ts'
import { GodotError } from '../../error.ts'

/** A banned address or range of addresses; times in milliseconds since 1970. */
export interface Ban {
  /** Canonical address, or range in CIDR notation. */
  readonly address: string
  readonly reason: string
  readonly since: number
  /** When it expires, undefined for never. */
  readonly until: number | undefined
}

/** Duration in seconds, for ever unless given, and reason of a ban. */
export interface BanTerms { readonly seconds?: number | undefined, readonly reason?: string | undefined }

/** Banned addresses. A lookup costs one step per prefix length in use, however many bans there are. */
export class Bans {
  /** By prefix length, then by network. */
  readonly #byLength = new Map<number, Map<string, Ban>>()

  /** Bans an address or a CIDR range, replacing an earlier ban of it; throws ERR_INVALID_PARAMETER. */
  ban (address: string, { seconds, reason = '' }: BanTerms = {}): Ban {
    if (seconds !== undefined && !(seconds > 0 && Number.isFinite(seconds))) throw invalid(`seconds ${String(seconds)}: expected over 0, or none for ever`)
    const { network, length, text } = parseRange(address)
    const since = Date.now()
    const ban = { address: text, reason, since, until: seconds === undefined ? undefined : since + seconds * 1000 }
    if (!this.#byLength.has(length)) this.#byLength.set(length, new Map())
    this.#byLength.get(length)!.set(network, ban)
    return ban
  }

  /** Removes the ban of exactly this address or range; throws ERR_DOES_NOT_EXIST when there is none. */
  unban (address: string): Ban {
    const { network, length } = parseRange(address)
    const ban = this.#get(length, network)
    if (ban === undefined) throw new GodotError('ERR_DOES_NOT_EXIST', `no ban of ${address}`)
    this.#delete(length, network)
    return ban
  }

  /** The ban that applies to an address, undefined without one. */
  find (address: string): Ban | undefined {
    for (const length of this.#byLength.keys()) {
      const network = networkOf(address, length)
      const ban = network === undefined ? undefined : this.#get(length, network)
      if (ban !== undefined) return ban
    }
    return undefined
  }

  /** All bans in effect, oldest first. */
  list (): Ban[] {
    for (const [length, bans] of this.#byLength) for (const network of bans.keys()) this.#get(length, network)
    return [...this.#byLength.values()].flatMap(bans => [...bans.values()]).sort((a, b) => a.since - b.since)
  }

  /** A ban in effect; removes one that has expired. */
  #get (length: number, network: string): Ban | undefined {
    const ban = this.#byLength.get(length)?.get(network)
    if (ban?.until === undefined || ban.until > Date.now()) return ban
    this.#delete(length, network)
    return undefined
  }

  #delete (length: number, network: string): void {
    const bans = this.#byLength.get(length)!
    bans.delete(network)
    if (bans.size === 0) this.#byLength.delete(length)
  }
}

function parseRange (address: string) {
  const range = typeof address === 'string' ? parseAddressRange(address) : undefined
  if (range === undefined) throw invalid(`address ${String(address)}: expected an IP address or a CIDR range`)
  return range
}

function invalid (message: string): GodotError {
  return new GodotError('ERR_INVALID_PARAMETER', message)
}
