import type { PeerServerClient } from '../client/client.ts'
import type { Operations, Peer } from '../client/operations.ts'
import { command, UsageError, wholeNumber } from './command.ts'
import { bytes, duration, endpoint, table } from './format.ts'

const PAGE = 1000

type Query = Omit<Operations['peers']['parameters'], 'limit' | 'cursor'>

/** Lists the peers, as a table or in JSON. */
export const peers = command('Lists the peers', '', {
  address: { type: 'string', value: '<ip or CIDR>', about: 'those from there' },
  protocol: { type: 'string', value: '<name>', about: 'those with this sub-protocol' },
  sort: { type: 'string', value: '<what>', about: 'id, connectedAt, address, protocol, packetsIn, packetsOut, bytesIn, bytesOut or bufferedAmount' },
  order: { type: 'string', value: '<asc|desc>', about: 'which way' },
  limit: { type: 'string', value: '<number>', about: 'so many at most' },
  json: { type: 'boolean', about: 'in JSON, with everything that is known' }
}, async ({ client, values: { limit, json, ...query }, line: { output } }) => {
  // What cannot be sorted by, and which way not, the service says.
  const found = await list(client, query as Query, limit === undefined ? Infinity : atLeastOne(limit))
  output.write(json === true ? `${JSON.stringify(found, null, 2)}\n` : `${tableOf(found).join('\n')}\n`)
})

function atLeastOne (limit: string): number {
  const number = wholeNumber('--limit', limit)
  if (number === 0) throw new UsageError('--limit 0: 1 at least')
  return number
}

async function list (client: PeerServerClient, { address, protocol, sort, order }: Query, wanted: number): Promise<Peer[]> {
  const found: Peer[] = []
  let cursor: string | undefined
  do {
    const page = await client.call('peers', { limit: Math.min(PAGE, wanted - found.length), cursor, address, protocol, sort, order })
    found.push(...page.items)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined && found.length < wanted)
  return found
}

function tableOf (found: readonly Peer[]): string[] {
  const now = Date.now()
  const rows = found.map(peer => [String(peer.id), endpoint(peer.address, peer.port), peer.protocol, peer.state, duration((now - Date.parse(peer.connectedAt)) / 1000),
    bytes(peer.bytesIn), bytes(peer.bytesOut), bytes(peer.bufferedAmount)])
  return table(['ID', 'ADDRESS', 'PROTOCOL', 'STATE', 'AGE', 'IN', 'OUT', 'BUFFER'], rows, [false, false, false, false, true, true, true, true])
}
