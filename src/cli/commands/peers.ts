import { formatAge, formatBytes, formatEndpoint } from '../../client/format.ts'
import type { Operations, Peer } from '../../client/operations.ts'
import { defineCommand } from '../command.ts'
import { checkComplete } from '../incomplete.ts'
import { listOptions, readPages } from '../list-options.ts'
import { printResult } from '../print-lines.ts'
import { type Columns, formatItems } from '../terminal-text.ts'

const sortFields = [
  'id', 'connectedAt', 'address', 'protocol', 'packetsIn', 'packetsOut', 'bytesIn', 'bytesOut', 'bufferedAmount'
] as const satisfies Array<Operations['peers']['parameters']['sort']>

type Query = Omit<Operations['peers']['parameters'], 'limit' | 'cursor'>

/** Lists peers as a table or as JSON. */
export const peers = defineCommand('Lists peers', '', {
  address: { type: 'string', placeholder: '<ip or CIDR>', description: 'only peers from this address or range' },
  room: { type: 'string', placeholder: '<name>', description: 'only peers in this room' },
  protocol: { type: 'string', placeholder: '<name>', description: 'only peers with this subprotocol' },
  ...listOptions('peers', sortFields)
}, async ({ client, options: { limit, json, ...query }, line: { output } }) => {
  // The service validates `sort` and `order`.
  const given = query as Query
  const found = await readPages(limit, async page => await client.call('peers', { ...given, ...page }))
  printResult(output, json, found.items, tableLines)
  checkComplete(found)
})

const columns: Columns<Peer> = [
  ['ID', 'left', ({ id }) => String(id)],
  ['ADDRESS', 'left', ({ address, port }) => formatEndpoint(address, port)],
  ['PROTOCOL', 'left', ({ protocol }) => protocol],
  ['STATE', 'left', ({ state }) => state],
  ['AGE', 'right', ({ connectedAt }) => formatAge(connectedAt)],
  ['IN', 'right', ({ bytesIn }) => formatBytes(bytesIn)],
  ['OUT', 'right', ({ bytesOut }) => formatBytes(bytesOut)],
  ['BUFFER', 'right', ({ bufferedAmount }) => formatBytes(bufferedAmount)]
]

const roomColumn: Columns<Peer>[number] = ['ROOM', 'left', ({ room }) => room]

const nodeColumn: Columns<Peer>[number] = ['NODE', 'left', ({ node = '' }) => node]

/** The room is shown unless everyone is in the same, as on a server without others; the node in a cluster. */
function tableLines (found: readonly Peer[]): string[] {
  const isOneRoom = found.every(({ room }) => room === found[0].room)
  const isCluster = found.some(({ node }) => node !== undefined)
  const shown = columns.toSpliced(2, 0, ...(isOneRoom ? [] : [roomColumn]), ...(isCluster ? [nodeColumn] : []))
  return formatItems(shown, found)
}
