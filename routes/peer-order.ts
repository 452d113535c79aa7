import type { WebSocketPeer } from '../src/core/peer/websocket-peer.ts'
import type { Place } from './cursor.ts'

/** What peers can be sorted by, and how it is read. Peers with the same are in the order of their ids. */
const keys = {
  id: peer => peer.id,
  connectedAt: peer => peer.connectedAt,
  address: peer => peer.getConnectedHost(),
  protocol: peer => peer.protocol,
  packetsIn: peer => peer.packetsIn,
  packetsOut: peer => peer.packetsOut,
  bytesIn: peer => peer.bytesIn,
  bytesOut: peer => peer.bytesOut,
  bufferedAmount: peer => peer.getCurrentOutboundBufferedAmount()
} satisfies Record<string, (peer: WebSocketPeer) => string | number>

/** The name of what peers can be sorted by. */
export type SortName = keyof typeof keys

/** All of them. */
export const sortNames = Object.keys(keys) as SortName[]

/** By what a list of peers is sorted, and which way. */
export interface PeerOrder { readonly sort: SortName, readonly order: 'asc' | 'desc' }

/** The place of a peer in a list with this order. */
export function placeOf (peer: WebSocketPeer, { sort }: PeerOrder): Place {
  return { id: peer.id, key: keys[sort](peer) }
}

/** The peers behind a place, in order. */
export function inOrder (peers: Iterable<WebSocketPeer>, by: PeerOrder, after: Place | undefined): WebSocketPeer[] {
  const direction = by.order === 'asc' ? 1 : -1
  const entries: Array<Place & { peer: WebSocketPeer }> = []
  for (const peer of peers) {
    const entry = { id: peer.id, key: keys[by.sort](peer), peer }
    if (after === undefined || compare(entry, after) * direction > 0) entries.push(entry)
  }
  return entries.sort((a, b) => compare(a, b) * direction).map(({ peer }) => peer)
}

function compare (a: Place, b: Place): number {
  if (a.key === b.key) return a.id - b.id
  return a.key < b.key ? -1 : 1
}
