import type { PeerServerClient } from '../../client/client.ts'
import { formatAge, formatCount, formatPlural } from '../../client/format.ts'
import type { Node } from '../../client/operations.ts'
import { reasonOption } from '../close-options.ts'
import { defineCommand, UsageError } from '../command.ts'
import { checkComplete } from '../incomplete.ts'
import { printLines, printResult } from '../print-lines.ts'
import { type Columns, formatItems } from '../terminal-text.ts'

/** Lists the nodes of a cluster as a table or as JSON. */
export const nodes = defineCommand('Lists the nodes of the cluster', '', {
  json: { type: 'boolean', description: 'print JSON with all fields' }
}, async ({ client, options: { json }, line: { output } }) => {
  const { items, ...missing } = await client.call('listNodes')
  printResult(output, json, items, nodeLines)
  checkComplete(missing)
})

/** Drains a node. */
export const drainNode = defineCommand('Disconnects a node\'s peers and stops it accepting new ones', '<node>', {
  reason: reasonOption
}, async ({ client, options: { reason }, operands: [node, ...more], line: { output } }) => {
  if (node === undefined || more.length > 0) throw new UsageError('expected the id of one node')
  printLines(output, [await drain(client, node, reason)])
})

async function drain (client: PeerServerClient, node: string, reason: string | undefined): Promise<string> {
  const { peers } = await client.call('drainNode', { node }, reason === undefined ? {} : { reason })
  return `draining ${node}: ${formatPlural(peers, 'peer')} closing`
}

/** Every cluster has at least the node that responds. */
function nodeLines (items: readonly Node[]): string[] {
  return items.length === 0 ? ['no nodes: the server is not in a cluster'] : formatItems(columns, items)
}

const columns: Columns<Node> = [
  ['NODE', 'left', ({ id }) => id],
  ['SLOT', 'right', ({ slot }) => String(slot)],
  ['STATE', 'left', ({ state }) => state],
  ['AGE', 'right', ({ since }) => formatAge(since)],
  ['PEERS', 'right', ({ peers }) => peers === undefined ? '' : formatCount(peers.open + peers.closing)],
  ['ROOMS', 'right', ({ rooms }) => rooms === undefined ? '' : formatCount(rooms)]
]
