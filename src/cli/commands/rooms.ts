import type { PeerServerClient } from '../../client/client.ts'
import { formatDuration, formatPlural } from '../../client/format.ts'
import type { Operations, Room } from '../../client/operations.ts'
import { defineCommand, parseInteger, UsageError } from '../command.ts'
import { printLines } from '../print-lines.ts'
import { type Align, formatTable } from '../terminal-text.ts'

const PAGE_SIZE = 1000

const sortFields = ['name', 'peers', 'openedAt'] as const satisfies Array<Operations['listRooms']['parameters']['sort']>

type Query = Pick<Operations['listRooms']['parameters'], 'sort' | 'order' | 'q'>

/** Lists rooms as a table or as JSON. */
export const rooms = defineCommand('Lists rooms', '', {
  name: { type: 'string', placeholder: '<text>', description: 'only rooms whose name contains this text' },
  sort: {
    type: 'string',
    placeholder: '<field>',
    description: `sort by ${sortFields.join(', ')} (default: name)`,
    values: sortFields
  },
  order: {
    type: 'string', placeholder: '<asc|desc>', description: 'sort order (default: asc)', values: ['asc', 'desc']
  },
  limit: { type: 'string', placeholder: '<number>', description: 'maximum number of rooms' },
  json: { type: 'boolean', description: 'print JSON with all fields' }
}, async ({ client, options: { name: q, limit, json, ...query }, line: { output } }) => {
  // The service validates `sort` and `order`.
  const maximum = limit === undefined ? Infinity : parseInteger('--limit', limit, 1)
  const found = await listRooms(client, { ...query, q } as Query, maximum)
  printLines(output, json === true ? JSON.stringify(found, null, 2).split('\n') : tableLines(found))
})

/** Closes a room with a close code and a reason. */
export const closeRoom = defineCommand('Closes a room', '<name>', {
  code: { type: 'string', placeholder: '<code>', description: 'close code (default: 1000); games use 4000 to 4999' },
  reason: { type: 'string', placeholder: '<text>', description: 'reason sent to the clients, at most 123 bytes' }
}, async ({ client, options: { code, reason }, operands: [room, ...more], line: { output } }) => {
  if (room === undefined || more.length > 0) throw new UsageError('expected the name of one room')
  const { peers } = await client.call('closeRoom', {
    room,
    ...(code === undefined ? {} : { code: parseInteger('--code', code) }),
    ...(reason === undefined ? {} : { reason })
  })
  printLines(output, [`closing room ${room} with ${formatPlural(peers, 'peer')}`])
})

async function listRooms (client: PeerServerClient, query: Query, limit: number): Promise<Room[]> {
  const found: Room[] = []
  let cursor: string | undefined
  do {
    const page = await client.call('listRooms', { ...query, limit: Math.min(PAGE_SIZE, limit - found.length), cursor })
    found.push(...page.items)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined && found.length < limit)
  return found
}

const columns: ReadonlyArray<readonly [heading: string, align: Align, read: (room: Room) => string]> = [
  ['NAME', 'left', ({ name }) => name],
  ['PEERS', 'right', ({ peers }) => String(peers)],
  ['MAX', 'right', ({ maxPeers }) => maxPeers === 0 ? '–' : String(maxPeers)],
  ['LISTED', 'left', ({ listed }) => listed ? 'yes' : 'no'],
  ['LOCKED', 'left', ({ locked }) => locked ? 'yes' : 'no'],
  ['AGE', 'right', ({ openedAt }) => formatDuration((Date.now() - Date.parse(openedAt)) / 1000)]
]

function tableLines (found: readonly Room[]): string[] {
  const rows = found.map(room => columns.map(([, , read]) => read(room)))
  return formatTable(columns.map(([heading]) => heading), rows, columns.map(([, align]) => align))
}
