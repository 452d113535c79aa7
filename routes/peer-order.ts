import type { WebSocketPeer } from '../src/core/peer/websocket-peer.ts'
import type { Position } from './cursor.ts'

/** Sort keys of peers. Peers with equal keys are sorted by id. */
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

/** Name of a sort key. */
export type SortName = keyof typeof keys

/** All sort keys. */
export const sortNames = Object.keys(keys) as SortName[]

/** Sort key and direction of a list of peers. */
export interface PeerOrder { readonly sort: SortName, readonly order: 'asc' | 'desc' }

/** The position of a peer in a list with this order. */
export function positionOf (peer: WebSocketPeer, { sort }: PeerOrder): Position {
  return { id: peer.id, key: keys[sort](peer) }
}

/** The peers after a position, in order. */
export function inOrder (peers: Iterable<WebSocketPeer>, by: PeerOrder, after: Position | undefined): WebSocketPeer[] {
  const direction = by.order === 'asc' ? 1 : -1
  const entries: Array<Position & { peer: WebSocketPeer }> = []
  for (const peer of peers) {
    const entry = { id: peer.id, key: keys[by.sort](peer), peer }
    if (after === undefined || compare(entry, after) * direction > 0) entries.push(entry)
  }
  return entries.sort((a, b) => compare(a, b) * direction).map(({ peer }) => peer)
}

function compare (a: Position, b: Position): number {
  if (a.key === b.key) return a.id - b.id
  return a.key < b.key ? -1 : 1
}
