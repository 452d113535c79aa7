import type { WebSocketPeer } from '../../src/core/peer/websocket-peer.ts'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { inOrder, pageOf, type Page, type PageQuery, type SortKeys } from '../page.ts'
import { type Filter, filtered } from './peer-filter.ts'
import { describePeer, type Peer } from '../schemas.ts'

/** Name of a sort key. */
type SortName = 'id' | 'connectedAt' | 'address' | 'protocol' | 'packetsIn' | 'packetsOut' | 'bytesIn' | 'bytesOut' |
  'bufferedAmount'

/** Sort keys of peers. */
export const peerKeys: SortKeys<WebSocketPeer, SortName> = {
  identity: 'id',
  keys: {
    id: peer => peer.id,
    connectedAt: peer => peer.connectedAt,
    address: peer => peer.getConnectedHost(),
    protocol: peer => peer.protocol,
    packetsIn: peer => peer.packetsIn,
    packetsOut: peer => peer.packetsOut,
    bytesIn: peer => peer.bytesIn,
    bytesOut: peer => peer.bytesOut,
    bufferedAmount: peer => peer.getCurrentOutboundBufferedAmount()
  }
}

/** One page of the peers that match the filter. */
export function pageOfPeers (
  server: WebSocketServer, { protocol, address, room, data, ...query }: PageQuery<SortName> & Filter
): Page<Peer> {
  const filter = { protocol, address, room, data }
  const { items, ...page } = pageOf(peerKeys, query, {
    itemsAfter: (by, after) => {
      // Ids ascend already: the page needs no look at the peers behind it.
      const isById = by.sort === 'id' && by.order === 'asc'
      return isById
        ? filtered(server, filter, after?.id as number | undefined)
        : inOrder(peerKeys, filtered(server, filter), by, after)
    },
    count: () => countPeers(server, filter)
  })
  return { ...page, items: items.map(describePeer) }
}

function countPeers (server: WebSocketServer, filter: Filter): number {
  const { room, ...others } = filter
  if (Object.values(others).some(value => value !== undefined)) return [...filtered(server, filter)].length
  if (room === undefined) return server.peerCount
  return server.hasRoom(room) ? server.room(room).peerCount : 0
}
