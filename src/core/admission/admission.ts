import { isLoopback } from '../../address-range.ts'
import { GodotError } from '../../error.ts'
import type { ErrorCode } from '../../error.ts'
import type { ServerOptions } from '../../options/option-types.ts'
import type { LimitDetails, LimitName } from '../server/limits.ts'
import { addressKey } from './address-key.ts'
import { Bans } from './bans.ts'
import { Deadlines } from './deadlines.ts'
import { isOriginAllowed } from './origin.ts'
import { RatePerMinute } from './rate-per-minute.ts'
import { originOf } from './upgrade-request.ts'
import type { UpgradeRequest } from './upgrade-request.ts'

const PROXY_HINT = 'behind a proxy, set option trustProxy'

/** What an admission needs of its server. */
export interface AdmissionHost {
  /** Clients that have finished the handshake, but not option `authenticate`. */
  authenticatingCount (): number
  isListening (): boolean
  /** Throws cluster-unavailable while the server is not part of its cluster. */
  checkCluster (): void
  /** A limit was hit; `details` name the client. */
  limited (limit: LimitName, details: LimitDetails): void
}

/** Checks who may connect, and counts connections, places and pending handshakes. */
export class Admission {
  readonly bans = new Bans()
  /** Handshakes whose time is limited. */
  readonly pending: Deadlines
  readonly #options: ServerOptions
  readonly #host: AdmissionHost
  /** Open connections by address, from their first byte until they are released. */
  readonly #connections = new Map<string, number>()
  readonly #joins = new RatePerMinute()
  /** Peers, and accepted clients about to become one. */
  #places = 0

  constructor (options: ServerOptions, host: AdmissionHost) {
    this.#options = options
    this.#host = host
    this.pending = new Deadlines(() => options.handshakeTimeout)
  }

  /** Clients that are about to join: pending handshakes, and authenticating clients. */
  get pendingCount (): number {
    return this.pending.size + this.#host.authenticatingCount()
  }

  /** Option `handshakeTimeout` has changed. */
  timeoutChanged (): void {
    this.pending.changed()
  }

  /** Throws too-many-handshakes unless one more may be pending. */
  checkPending (): void {
    const { maxPendingHandshakes } = this.#options
    if (this.pendingCount < maxPendingHandshakes) return
    throw this.#limited('too-many-handshakes', {}, `${maxPendingHandshakes} handshakes are pending`)
  }

  /** Throws banned. */
  checkBan (address: string): void {
    const ban = this.bans.find(address)
    if (ban !== undefined) {
      throw this.#limited('banned', { address }, ban.reason === '' ? undefined : `banned: ${ban.reason}`)
    }
  }

  /** Throws address-limit when the address has `maxPeersPerAddress` connections. */
  checkAddress (address: string): void {
    const { maxPeersPerAddress: limit } = this.#options
    if (limit === 0 || (this.#connections.get(addressKey(address)) ?? 0) < limit || isLocal(address)) return
    throw this.#limited('address-limit', { address }, `more than ${limit} connections from one address; ${PROXY_HINT}`)
  }

  /** Throws join-rate when clients of the address became peers `maxJoinsPerMinute` times in the last minute. */
  checkJoinRate (address: string): void {
    const { maxJoinsPerMinute: limit } = this.#options
    if (limit === 0 || isLocal(address) || this.#joins.count(addressKey(address)) < limit) return
    throw this.#limited('join-rate', { address }, `more than ${limit} joins per minute from one address; ${PROXY_HINT}`)
  }

  /** Counts a client that becomes a peer. */
  countJoin (address: string): void {
    if (this.#options.maxJoinsPerMinute > 0 && !isLocal(address)) this.#joins.add(addressKey(address))
  }

  /** Throws not-listening, cluster-unavailable or refusing-connections. */
  checkAccepting (): void {
    if (!this.#host.isListening()) throw new GodotError('not-listening')
    this.#host.checkCluster()
    if (this.#options.refuseNewConnections) throw new GodotError('refusing-connections')
  }

  /** Throws origin-refused for a page whose origin is not allowed. */
  checkOrigin ({ headers, host, address }: UpgradeRequest): void {
    const origin = originOf(headers)
    if (isOriginAllowed(origin, host, this.#options.allowedOrigins)) return
    throw this.#limited('origin-refused', { address, origin }, `option allowedOrigins does not allow ${origin!}`)
  }

  /** Throws server-full when all places are taken. */
  checkPlace (address: string): void {
    if (this.isFull) throw this.#limited('server-full', { address }, `more than ${this.#options.maxPeers} peers`)
  }

  /** Whether all places are taken (`maxPeers`). */
  get isFull (): boolean {
    const { maxPeers } = this.#options
    return maxPeers > 0 && this.#places >= maxPeers
  }

  /** Counts a connection of an address: +1 when it begins, -1 when its socket is released. */
  countConnection (address: string, change: 1 | -1): void {
    const key = addressKey(address)
    const count = (this.#connections.get(key) ?? 0) + change
    if (count > 0) this.#connections.set(key, count)
    else this.#connections.delete(key)
  }

  /** Counts a place: +1 when a client is about to become a peer, -1 when it fails to or the peer leaves. */
  countPlace (change: 1 | -1): void {
    this.#places += change
  }

  /** Places taken, and connections by address (of IPv6 by /64), as they are counted now. */
  get counts (): { readonly places: number, readonly connections: ReadonlyMap<string, number> } {
    return { places: this.#places, connections: this.#connections }
  }

  /** Reports that the application refused a client, or that a handshake took too long. */
  reportLimit (limit: 'join-refused' | 'handshake-timeout', details: LimitDetails): void {
    this.#host.limited(limit, details)
  }

  #limited (limit: LimitName & ErrorCode, details: LimitDetails, message: string | undefined): GodotError {
    this.#host.limited(limit, details)
    return new GodotError(limit, message)
  }
}

/** Whether the connection comes from this machine, so possibly from a proxy on it; `''`: from this process. */
function isLocal (address: string): boolean {
  return address === '' || isLoopback(address)
}
