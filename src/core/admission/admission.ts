import { networkOf } from '../../address-range.ts'
import { GodotError } from '../../error.ts'
import type { ServerOptions } from '../../options.ts'
import { originOf } from './upgrade-request.ts'
import type { UpgradeRequest } from './upgrade-request.ts'
import { Bans } from './bans.ts'
import { Deadlines } from './deadlines.ts'
import type { LimitName } from '../server/limits.ts'
import { isOriginAllowed } from './origin.ts'

/** What an admission asks of its server. */
export interface AdmissionHost {
  isListening (): boolean
  /** A limit was hit; `details` say by whom. */
  limited (limit: LimitName, details: object): void
}

/** Decides who may come in, and counts who is there and who is on the way. */
export class Admission {
  readonly bans = new Bans()
  /** Handshakes under way. */
  readonly pending: Deadlines
  readonly #options: ServerOptions
  readonly #host: AdmissionHost
  /** Connections by address, from their first byte to the end of the peer. */
  readonly #byAddress = new Map<string, number>()
  /** Peers, and clients about to become one. */
  #inside = 0

  constructor (options: ServerOptions, host: AdmissionHost) {
    this.#options = options
    this.#host = host
    this.pending = new Deadlines(() => options.handshakeTimeout)
  }

  /** The time that a handshake may take has changed. */
  timeoutChanged (): void {
    this.pending.changed()
  }

  /** Refuses one more handshake when too many are under way. */
  checkPending (): void {
    const { maxPendingHandshakes } = this.#options
    if (this.pending.size >= maxPendingHandshakes) throw this.#hit('too-many-handshakes', {}, `over ${maxPendingHandshakes} handshakes are under way`)
  }

  /** Refuses an address that is banned. */
  checkBan (address: string): void {
    const ban = this.bans.find(address)
    if (ban !== undefined) throw this.#hit('banned', { address }, ban.reason === '' ? undefined : `banned: ${ban.reason}`)
  }

  /** Refuses an address that has its share of connections. */
  checkAddress (address: string): void {
    const { maxPeersPerAddress } = this.#options
    if (maxPeersPerAddress === 0 || (this.#byAddress.get(keyOf(address)) ?? 0) < maxPeersPerAddress || isThisMachine(address)) return
    throw this.#hit('address-limit', { address }, `over ${maxPeersPerAddress} connections from one address; if that is a proxy, see option trustProxy`)
  }

  /** Refuses all while the server lets nobody in. */
  checkOpen (): void {
    if (!this.#host.isListening()) throw new GodotError('not-listening')
    if (this.#options.refuseNewConnections) throw new GodotError('refusing-connections')
  }

  /** Refuses a page whose origin is not allowed. */
  checkOrigin ({ headers, host, address }: UpgradeRequest): void {
    const origin = originOf(headers)
    if (isOriginAllowed(origin, host, this.#options.allowedOrigins)) return
    throw this.#hit('origin-refused', { address, origin }, `option allowedOrigins does not let in pages of ${origin!}`)
  }

  /** Refuses one more peer when the server is full. */
  checkPlace (address: string): void {
    if (this.isFull) throw this.#hit('server-full', { address }, `over ${this.#options.maxPeers} peers`)
  }

  /** Whether there is no place for one more peer. */
  get isFull (): boolean {
    const { maxPeers } = this.#options
    return maxPeers > 0 && this.#inside >= maxPeers
  }

  /** Counts a connection of an address, once it is there (1) and once it is over (-1). */
  countConnection (address: string, change: 1 | -1): void {
    const key = keyOf(address)
    const count = (this.#byAddress.get(key) ?? 0) + change
    if (count > 0) this.#byAddress.set(key, count)
    else this.#byAddress.delete(key)
  }

  /** Counts a peer or one about to become one, once it is there (1) and once it is over (-1). */
  countPlace (change: 1 | -1): void {
    this.#inside += change
  }

  /** The application refuses, or took too long. */
  hit (limit: 'join-refused' | 'handshake-timeout', details: object): void {
    this.#host.limited(limit, details)
  }

  #hit (limit: LimitName & ConstructorParameters<typeof GodotError>[0], details: object, message: string | undefined): GodotError {
    this.#host.limited(limit, details)
    return new GodotError(limit, message)
  }
}

/** What an address is counted under: of IPv6 the network of 64 bits, since whoever has one address there has them all. */
function keyOf (address: string): string {
  return address.includes(':') ? networkOf(address, 64) ?? address : address
}

/** Whether the connection comes from this machine, so maybe from a proxy on it. */
function isThisMachine (address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address === ''
}
