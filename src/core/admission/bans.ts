import { networkOf, parseAddressRange } from '../../address-range.ts'
import { GodotError } from '../../error.ts'

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
  /** Seconds until it expires; default: never. */
  readonly seconds?: number | undefined
  /** Why, for clients and operators; the reason of the close frame. */
  readonly reason?: string | undefined
}

/** Who may not connect. A look-up costs one step for each length of range in use, however many bans there are. */
export class Bans {
  /** By length of the range, then by its network. */
  readonly #byLength = new Map<number, Map<string, Ban>>()

  /** Bans an address or a CIDR range, anew if it is banned already; ERR_INVALID_PARAMETER. */
  ban (address: string, { seconds, reason = '' }: BanTerms = {}): Ban {
    if (seconds !== undefined && !(seconds > 0 && Number.isFinite(seconds))) throw new GodotError('ERR_INVALID_PARAMETER', `seconds ${String(seconds)}: over 0, or none for ever`)
    const { network, length, text } = parseRange(address)
    const since = Date.now()
    const ban = { address: text, reason, since, until: seconds === undefined ? undefined : since + seconds * 1000 }
    if (!this.#byLength.has(length)) this.#byLength.set(length, new Map())
    this.#byLength.get(length)!.set(network, ban)
    return ban
  }

  /** Lifts the ban of exactly this address or range; ERR_DOES_NOT_EXIST when there is none. */
  unban (address: string): Ban {
    const { network, length } = parseRange(address)
    const ban = this.#get(length, network)
    if (ban === undefined) throw new GodotError('ERR_DOES_NOT_EXIST', `no ban of ${address}`)
    this.#delete(length, network)
    return ban
  }

  /** The ban that keeps this address out, if there is one. */
  find (address: string): Ban | undefined {
    for (const length of this.#byLength.keys()) {
      const network = networkOf(address, length)
      const ban = network === undefined ? undefined : this.#get(length, network)
      if (ban !== undefined) return ban
    }
    return undefined
  }

  /** All bans that stand, the oldest first. */
  list (): Ban[] {
    for (const [length, bans] of this.#byLength) for (const network of bans.keys()) this.#get(length, network)
    return [...this.#byLength.values()].flatMap(bans => [...bans.values()]).sort((a, b) => a.since - b.since)
  }

  /** A ban that stands; one whose time is over goes. */
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
  if (range === undefined) throw new GodotError('ERR_INVALID_PARAMETER', `address ${String(address)}: neither an IP address nor a CIDR range`)
  return range
}
