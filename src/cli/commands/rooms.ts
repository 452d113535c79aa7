import { formatAge, formatPlural } from '../../client/format.ts'
import type { Operations, Room } from '../../client/operations.ts'
import { closeFrame, closeOptions } from '../close-options.ts'
import { defineCommand, UsageError } from '../command.ts'
import { checkComplete } from '../incomplete.ts'
import { listOptions, readPages } from '../list-options.ts'
import { printLines, printResult } from '../print-lines.ts'
import { type Columns, formatItems } from '../terminal-text.ts'

const sortFields = ['name', 'peers', 'openedAt'] as const satisfies Array<Operations['listRooms']['parameters']['sort']>

type Query = Pick<Operations['listRooms']['parameters'], 'sort' | 'order' | 'q'>

/** Lists rooms as a table or as JSON. */
export const rooms = defineCommand('Lists rooms', '', {
  name: { type: 'string', placeholder: '<text>', description: 'only rooms whose name contains this text' },
  ...listOptions('rooms', sortFields)
}, async ({ client, options: { name: q, limit, json, ...query }, line: { output } }) => {
  // The service validates `sort` and `order`.
  const given = { ...query, q } as Query
  const found = await readPages(limit, async page => await client.call('listRooms', { ...given, ...page }))
  printResult(output, json, found.items, items => formatItems(columns, items))
  checkComplete(found)
})

/** Closes a room with a close code and a reason. */
export const closeRoom = defineCommand('Closes a room', '<name>', closeOptions(1000), async ({
  client, options, operands: [room, ...more], line: { output }
}) => {
  if (room === undefined || more.length > 0) throw new UsageError('expected the name of one room')
  const { peers, ...missing } = await client.call('closeRoom', { room, ...closeFrame(options) })
  printLines(output, [`closing room ${room} with ${formatPlural(peers, 'peer')}`])
  checkComplete(missing)
})

const columns: Columns<Room> = [
  ['NAME', 'left', ({ name }) => name],
  ['PEERS', 'right', ({ peers }) => String(peers)],
  ['MAX', 'right', ({ maxPeers }) => maxPeers === 0 ? '–' : String(maxPeers)],
  ['LISTED', 'left', ({ listed }) => listed ? 'yes' : 'no'],
  ['LOCKED', 'left', ({ locked }) => locked ? 'yes' : 'no'],
  ['AGE', 'right', ({ openedAt }) => formatAge(openedAt)]
]
