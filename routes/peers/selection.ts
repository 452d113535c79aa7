import type { WebSocketPeer } from '../../src/core/peer/websocket-peer.ts'
import { Type, type TProperties } from '../../src/typebox.ts'
import type { ClusterNodes, NodeOperation } from '../nodes/cluster-nodes.ts'
import { badRequest, PeerId } from '../schemas.ts'
import { BodyFilter, type Filter, filtered } from './peer-filter.ts'

/** The peers that a request selects: by id, by filter, or all. */
export interface Selection {
  readonly ids?: readonly number[]
  readonly filter?: Filter
  readonly all?: true
  readonly excluded?: readonly number[]
}

const NOT_ONCE = 'must have exactly one of ids, filter and all'

/** The schema of a body that selects peers and has other `members`, too. */
export function selectionSchema<Members extends TProperties> (members: Members, examples: object[]) {
  return Type.Refine(Type.Object({
    ids: Type.Optional(Type.Array(PeerId, { minItems: 1, maxItems: 10000, description: 'Only these peers' })),
    filter: Type.Optional(Type.Object(BodyFilter, {
      minProperties: 1,
      additionalProperties: false,
      description: 'Peers that match the filter'
    })),
    all: Type.Optional(Type.Literal(true, { description: 'All peers' })),
    excluded: Type.Optional(Type.Array(PeerId, { maxItems: 10000, description: 'Except these peers' })),
    ...members
  }, { additionalProperties: false, examples }), selectsExactlyOnce, () => NOT_ONCE)
}

/** The `ids` of a selection that no peer has. */
export const NotFound = Type.Array(PeerId, { description: 'Those of `ids` that are not connected', examples: [[]] })
export const badSelection = badRequest('Invalid body, or it selects no peers', '/body', NOT_ONCE)

function selectsExactlyOnce ({ ids, filter, all }: { ids?: unknown, filter?: unknown, all?: unknown }): boolean {
  return [ids, filter, all].filter(way => way !== undefined).length === 1
}

/** Runs an operation on the selected peers of all nodes: the results of the nodes, and the ids that no peer has. */
export async function runOnSelected<Wanted extends Selection, Result extends { notFound: readonly number[] }> (
  nodes: ClusterNodes, operation: NodeOperation<NodeShare<Wanted>, Result>, selection: Wanted
) {
  const { results, missing } = await operation.each(slot => shareOf(nodes, slot, selection))
  const { ids = [], excluded = [] } = selection
  const notFound = [...results.flatMap(result => result.notFound), ...nodes.unknownOf(ids, excluded)]
  return { results, notFound, ...missing }
}

/** The sum of one member over the results of the nodes. */
export function sumOf<Name extends string> (
  results: ReadonlyArray<Readonly<Record<Name, number>>>, name: Name
): number {
  return results.reduce((sum, result) => sum + result[name], 0)
}

type NodeShare<Wanted extends Selection> = Omit<Wanted, 'ids' | 'excluded'> & { ids?: number[], excluded?: number[] }

/** The part of a selection that the node in this slot may have, 0 for this one; undefined if it can have none. */
export function shareOf<Wanted extends Selection> (
  nodes: ClusterNodes, slot: number, { ids, excluded, ...rest }: Wanted
): NodeShare<Wanted> | undefined {
  const others = excluded === undefined ? rest : { ...rest, excluded: nodes.idsOf(slot, excluded) }
  if (ids === undefined) return others
  const wanted = nodes.idsOf(slot, ids)
  return wanted.length === 0 ? undefined : { ...others, ids: wanted }
}

/** The selected peers of this node, and the selected ids that no peer has. */
export function select (
  nodes: ClusterNodes, { ids, filter, excluded }: Selection
): { peers: WebSocketPeer[], notFound: number[] } {
  const excludedIds = new Set(excluded)
  if (ids === undefined) {
    return {
      peers: [...filtered(nodes.server, filter ?? {})].filter(peer => !excludedIds.has(peer.id)),
      notFound: []
    }
  }
  const wanted = [...new Set(ids)].filter(id => !excludedIds.has(id))
  const peers = wanted.map(id => nodes.findLocal(id))
  return {
    peers: peers.filter(peer => peer !== undefined),
    notFound: wanted.filter((_id, at) => peers[at] === undefined)
  }
}
