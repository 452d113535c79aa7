import type { WebSocketPeer } from '../../src/core/peer/websocket-peer.ts'
import { internalsOf } from '../../src/core/server/internals.ts'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { ClusterList } from '../nodes/cluster-list.ts'
import type { ClusterNodes } from '../nodes/cluster-nodes.ts'
import { inOrder, type List, type SortKeys } from '../page.ts'
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

/** Peers of all nodes, in pages. */
export type PeerList = ClusterList<WebSocketPeer, Peer, SortName, Filter>

/** The list of the peers of all nodes; one for each ClusterNodes. */
export function createPeerList (nodes: ClusterNodes): PeerList {
  return new ClusterList(nodes, 'peers', {
    keys: peerKeys,
    list: filter => listOf(nodes.server, filter),
    describe: peer => describePeer(peer, nodes.nodeId),
    shorten: peer => ({ ...peer, data: '[not shown: too large]' })
  })
}

function listOf (server: WebSocketServer, filter: Filter): List<WebSocketPeer, SortName> {
  const { room, ...others } = filter
  if (Object.values(others).some(value => value !== undefined)) return listOfAll([...filtered(server, filter)])
  return {
    itemsAfter: (by, after) => {
      // Peers are in order of their ids already, so those after the page are not read.
      const isById = by.sort === 'id' && by.order === 'asc'
      return isById
        ? filtered(server, filter, after?.id as number | undefined)
        : inOrder(peerKeys, filtered(server, filter), by, after)
    },
    count: () => room === undefined ? server.peerCount : internalsOf(server).rooms.find(room)?.members.size ?? 0
  }
}

/** A list of peers that were filtered one by one. */
function listOfAll (peers: readonly WebSocketPeer[]): List<WebSocketPeer, SortName> {
  return {
    itemsAfter: (by, after) => inOrder(peerKeys, peers, by, after),
    count: () => peers.length
  }
}
