import { formatAge, formatPlural } from '../../client/format.ts'
import type { Operations, Room } from '../../client/operations.ts'
import { closeFrame, closeOptions } from '../close-options.ts'
import { defineCommand, parseInteger, parseJson, parseSeconds, UsageError } from '../command.ts'
import { checkComplete } from '../incomplete.ts'
import { listOptions, readPages } from '../list-options.ts'
import { printLines, printResult } from '../print-lines.ts'
import { type Columns, formatItems } from '../terminal-text.ts'

const sortFields = ['name', 'peers', 'openedAt'] as const satisfies Array<Operations['listRooms']['parameters']['sort']>

const answers = ['yes', 'no'] as const

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

/** Settings of a room. */
const settings = {
  'max-peers': { type: 'string', placeholder: '<number>', description: 'maximum number of peers; 0: no limit' },
  locked: {
    type: 'string', placeholder: '<yes|no>', description: 'whether new clients are refused', values: answers
  },
  listed: { type: 'string', placeholder: '<yes|no>', description: 'whether the lobby shows it', values: answers },
  'empty-timeout': {
    type: 'string', placeholder: '<seconds>', description: 'how long it stays open after its last peer has left'
  },
  data: { type: 'string', placeholder: '<JSON>', description: 'data that the lobby shows, e.g. {"map":"ice"}' }
} as const

/** How the value of each option becomes a member of the request. */
const readers: {
  readonly [Name in keyof typeof settings]: (value: string, option: string) => Operations['updateRoom']['body']
} = {
  'max-peers': (value, option) => ({ maxPeers: parseInteger(option, value) }),
  locked: (value, option) => ({ locked: parseAnswer(option, value) }),
  listed: (value, option) => ({ listed: parseAnswer(option, value) }),
  'empty-timeout': (value, option) => ({ emptyTimeout: parseSeconds(option, value) }),
  // The service checks that it is an object.
  data: (value, option) => ({ data: parseJson(option, value) as Record<string, unknown> })
}

/** Opens a room. */
export const openRoom = defineCommand('Opens a room; without a name, with a join code', '[<name>]', settings, async ({
  client, options, operands: [name, ...more], line: { output }
}) => {
  if (more.length > 0) throw new UsageError('expected the name of one room, or none')
  const room = await client.call('openRoom', {}, { ...(name === undefined ? {} : { name }), ...settingsOf(options) })
  printLines(output, [`opened room ${room.name}`])
})

/** Changes settings of a room. */
export const changeRoom = defineCommand('Changes settings of a room; its peers stay', '<name>', settings, async ({
  client, options, operands: [room, ...more], line: { output }
}) => {
  if (room === undefined || more.length > 0) throw new UsageError('expected the name of one room')
  const changes = settingsOf(options)
  if (Object.keys(changes).length === 0) throw new UsageError('expected at least one setting')
  await client.call('updateRoom', { room }, changes)
  printLines(output, [`changed room ${room}`])
})

function settingsOf (options: { readonly [Name in keyof typeof settings]?: string }): Operations['updateRoom']['body'] {
  const given = Object.entries(options) as Array<[keyof typeof settings, string]>
  return Object.assign({}, ...given.map(([name, value]) => readers[name](value, `--${name}`)))
}

function parseAnswer (option: string, text: string): boolean {
  if (answers.some(one => one === text)) return text === 'yes'
  throw new UsageError(`invalid ${option} ${text}: expected one of ${answers.join(', ')}`)
}

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
