import type { WebSocketPeer } from '../../src/core/peer/websocket-peer.ts'
import { internalsOf } from '../../src/core/server/internals.ts'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { ClusterList } from '../nodes/cluster-list.ts'
import type { ClusterNodes } from '../nodes/cluster-nodes.ts'
import { type PageRequest, type Slice, sliceInOrder, sliceOf, type SortKeys } from '../page.ts'
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
    slice: (request, filter) => sliceOfPeers(nodes.server, request, filter),
    describe: peer => describePeer(peer, nodes.nodeId),
    shorten: peer => ({ ...peer, data: '[not shown: too large]' })
  })
}

function sliceOfPeers (
  server: WebSocketServer, request: PageRequest<SortName>, filter: Filter
): Slice<WebSocketPeer> {
  const { room, ...others } = filter
  const isFiltered = Object.values(others).some(value => value !== undefined)
  const { sort, order, after } = request
  // Peers are in order of their ids already, so those after the page are not read.
  if (isFiltered || sort !== 'id' || order !== 'asc') return sliceOf(peerKeys, request, filtered(server, filter))
  const count = room === undefined ? server.peerCount : internalsOf(server).rooms.find(room)?.members.size ?? 0
  return sliceInOrder(peerKeys, request, filtered(server, filter, after?.id as number | undefined), count)
}
