import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import type { PeerList } from '../peers/peer-list.ts'
import type { ClusterNodes } from './cluster-nodes.ts'

/** What the routes of the REST API share. */
export interface AdminParts {
  readonly server: WebSocketServer
  /** The nodes of its cluster. */
  readonly nodes: ClusterNodes
  /** The peers of all nodes. */
  readonly peers: PeerList
}
