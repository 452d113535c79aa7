import type { RoomFacts } from '../../src/core/server/cluster-link.ts'
import { type ClusterNodes, type MissingNodes, missingNodes, type Scope } from '../nodes/cluster-nodes.ts'
import { type Page, type PageQuery, pageOf, type SortKeys } from '../page.ts'
import { describeRoom, type RoomEntry } from './room-schemas.ts'

type SortName = 'name' | 'peers' | 'openedAt'

/** Sort keys of rooms. */
export const roomKeys: SortKeys<Pick<RoomFacts, 'name' | 'peerCount' | 'openedAt'>, SortName> = {
  identity: 'name',
  keys: { name: room => room.name, peers: room => room.peerCount, openedAt: room => room.openedAt }
}

/** Which rooms to list: those that the lobby shows or does not show, those whose name contains a text. */
interface RoomFilter {
  readonly listed?: boolean | undefined
  readonly q?: string | undefined
  readonly scope?: Scope | undefined
}

/** One page of the rooms that match the filter: every node knows those of all. */
export function pageOfRooms (
  nodes: ClusterNodes, { listed, q, scope, ...query }: PageQuery<SortName> & RoomFilter
): Page<RoomEntry> & MissingNodes {
  const { items, ...page } = pageOf(roomKeys, query, matching(nodes, { listed, q, scope }), nodes.cursorKey)
  return { ...page, items: items.map(describeRoom), ...(scope === 'local' ? {} : alone(nodes)) }
}

/** A node that is not in its cluster knows the rooms of no other one. */
function alone (nodes: ClusterNodes): MissingNodes {
  if (nodes.link?.api.isReady !== false) return {}
  return { ...missingNodes(nodes.others().map(({ id }) => id)), partial: true }
}

function * matching (nodes: ClusterNodes, { listed, q = '', scope }: RoomFilter): IterableIterator<RoomFacts> {
  for (const room of nodes.rooms()) {
    if (scope === 'local' && room.node !== nodes.nodeId) continue
    if (room.name.includes(q) && (listed ?? room.listed) === room.listed) yield room
  }
}
