import type { EventFeed } from '../../src/admin/event-feed.ts'
import type { Stats } from '../../src/admin/feed-event.ts'
import type { ClusterNodes } from '../nodes/cluster-nodes.ts'

/** Makes the feed report on the whole cluster: its statistics are the sum over all nodes. */
export function shareStats (nodes: ClusterNodes, feed: EventFeed): void {
  const stats = nodes.operation('stats', () => feed.stats())
  const { link } = nodes
  if (link === undefined) return
  feed.gatherStatsBy(async () => {
    const asked = [nodes.nodeId!, ...nodes.others().map(({ id }) => id)]
    const { results: [own, ...others], missing } = await stats.everywhere({})
    const summed = asked.filter(id => missing.unreachable?.includes(id) !== true).sort()
    // A node that is not in the cluster knows its own rooms only.
    const rooms = Math.max(own.rooms, link.roomCount)
    return { ...others.reduce(add, own), rooms, nodes: summed, ...missing }
  })
}

/** The sum of two objects of numbers, member by member; other members are those of the first. */
function add (one: Stats, other: Stats): Stats {
  return sum(one, other) as Stats
}

function sum (one: unknown, other: unknown): unknown {
  if (typeof one === 'number') return one + (other as number)
  if (typeof one !== 'object' || one === null) return one
  const others = other as Record<string, unknown>
  return Object.fromEntries(Object.entries(one).map(([name, value]) => [name, sum(value, others[name])]))
}
