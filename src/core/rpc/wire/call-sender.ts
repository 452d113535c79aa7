import { target } from '../../../protocol/multiplayer/relay-packet.ts'
import type { RpcNode } from '../../../protocol/multiplayer/rpc-node.ts'
import type { OwnPath } from './path-cache.ts'
import type { RpcLink } from './rpc-wire.ts'

/**
 * Up to this many receivers are called one by one while some have not confirmed the path. For more, one packet with the
 * full path serves them all.
 */
const MAX_SINGLY = 16

/**
 * A packet to be sent; `isWide`: with an id in the longest form (Godot 4). Its encodings differ only in how they name
 * the node.
 */
export interface OutgoingCall {
  encode (node: RpcNode, isWide: boolean): Uint8Array
  /** Announces the path to a peer. */
  announcement (): Uint8Array
  /** Whether a peer may be called. */
  accepts? (peer: number): boolean
}

/**
 * Sends calls, each with as few packets as possible. A path is announced to each receiver once, and its id used for
 * those that have confirmed it; once all receivers of a call have, it is one packet. Until then receivers are called
 * one by one, those that have not confirmed with the full path. Godot does so with any number of receivers, but accepts
 * full paths from a relayed packet as well.
 */
export class CallSender {
  readonly #link: RpcLink

  constructor (link: RpcLink) {
    this.#link = link
  }

  /** Whether one packet with the id of the path serves every receiver. */
  isConfirmed ({ confirmed, differing }: OwnPath, to: number): boolean {
    if (to > 0) return confirmed.has(to) && !differing.has(to)
    if (differing.size > 0) return false
    const { connected, areAllConnected } = this.#link
    if (!areAllConnected) return false
    return confirmed.size - Number(confirmed.has(-to)) === connected.size - Number(connected.has(-to))
  }

  /** Sends a call to receivers some of which have not confirmed the path. Throws before anything is sent. */
  sendUnconfirmed (to: number, own: OwnPath, call: OutgoingCall): void {
    const { confirmed } = own
    const byPath = call.encode(own.path, true)
    const open = this.#openPeersOf(to)
    const receivers = open.filter(id => call.accepts?.(id) ?? true)
    const isConfirmedByAll = receivers.every(id => confirmed.has(id))
    // The full path is longer than any id.
    if (!isConfirmedByAll) this.#link.check(byPath)
    for (const id of receivers) this.announce(id, own, call.announcement)
    const shared = receivers.length > MAX_SINGLY ? this.#targetOf(receivers, open, to) : undefined
    if (shared !== undefined && !isConfirmedByAll) return this.#link.putTo(shared, byPath)
    const byId = call.encode(own.id, !isConfirmedByAll)
    if (shared !== undefined) return this.#link.putTo(shared, byId)
    for (const id of receivers) this.#link.putTo(id, confirmed.has(id) ? byId : byPath)
  }

  /** Announces a path to a peer, once. */
  announce (peer: number, { announcedTo }: OwnPath, announcement: () => Uint8Array): void {
    if (announcedTo.has(peer)) return
    announcedTo.add(peer)
    this.#link.putTo(peer, announcement())
  }

  /** Target of one packet to these of the peers of `to`; undefined unless it reaches nobody else. */
  #targetOf (receivers: readonly number[], open: readonly number[], to: number): number | undefined {
    if (!this.#link.areAllConnected) return undefined
    if (receivers.length === open.length) return to
    if (to !== target.ALL || receivers.length < open.length - 1) return undefined
    const included = new Set(receivers)
    return -open.find(id => !included.has(id))!
  }

  /** Without a peer that is joining: it may still resolve ids as in another room. */
  #openPeersOf (to: number): number[] {
    const { connected } = this.#link
    if (to > 0) return connected.has(to) && this.#link.isOpen(to) ? [to] : []
    return [...this.#link.openPeers()].map(({ id }) => id).filter(id => connected.has(id) && id !== -to)
  }
}
