import { styleText } from 'node:util'
import type { Severity } from '../client/event-text.ts'
import {
  describeMode, formatAge, formatBytes, formatDuration, formatEndpoint, formatRate, formatTime
} from '../client/format.ts'
import { describeListening } from '../client/listening-text.ts'
import type { Peer } from '../client/operations.ts'
import { type EventLine, textWithCount } from './event-line.ts'
import { type Align, fitText, sparkline } from './terminal-text.ts'
import type { WatchState } from './watch-state.ts'

type Style = (text: string) => string
type StyleName = Severity | 'strong' | 'quiet' | 'in' | 'out'

/** The style of each kind of text. */
export type Theme = Readonly<Record<StyleName, Style>>

const formats: Readonly<Record<StyleName, Parameters<typeof styleText>[0]>> = {
  strong: 'bold',
  quiet: 'gray',
  info: 'gray',
  success: 'green',
  warning: 'yellow',
  error: 'red',
  in: 'green',
  out: 'yellow'
}

const unstyled: Style = text => text

/** The theme for terminals with 16 or more colours. */
export const coloured = themeOf(name => text => styleText(formats[name], text, { validateStream: false }))
/** The theme without any styles. */
export const plain = themeOf(() => unstyled)

function themeOf (styleOf: (name: StyleName) => Style): Theme {
  return Object.fromEntries(Object.keys(formats).map(name => [name, styleOf(name as StyleName)])) as Theme
}

const MARGIN = 2
/** Lines other than those of the peers and the events: header, rates, headings, blank lines. */
const FIXED_ROWS = 11
const MAX_EVENTS = 10

/** Renders the state as lines for a terminal of this size. All text is escaped by `fitText`. */
export function renderScreen (state: WatchState, columns: number, rows: number, theme: Theme): string[] {
  const width = Math.max(20, columns - 2 * MARGIN)
  const eventRows = Math.min(MAX_EVENTS, Math.max(2, Math.floor((rows - FIXED_ROWS) / 3)))
  const peerRows = Math.max(1, rows - FIXED_ROWS - eventRows)
  const sections = [
    header(state, width, theme),
    rates(state, width, theme),
    peerTable(state, width, peerRows, theme),
    eventList(state, width, eventRows, theme)
  ]
  const lines = sections.flatMap(section => ['', ...section])
  return lines.slice(0, rows).map(line => line === '' ? '' : ' '.repeat(MARGIN) + line)
}

function header (state: WatchState, width: number, theme: Theme): string[] {
  const { server, url, room, isPaused } = state
  const [severity, status] = describeStatus(state)
  const keys = isPaused ? 'paused · p resume · q quit' : 's sort · p pause · q quit'
  const showsKeys = status.length + keys.length + 4 <= width
  const mode = server === undefined ? [] : [describeMode(server), ...server.protocols]
  const about = [url, ...mode, room === undefined ? [] : `room ${room}`]
  const statusWidth = (showsKeys ? width - keys.length : width) - 2
  return [
    `${theme[severity]('●')} ${theme.strong(fitText(status, statusWidth))}${showsKeys ? theme.quiet(keys) : ''}`,
    theme.quiet(fitText(about.flat().join(' · '), width))
  ]
}

function describeStatus ({ server, node, lostReason }: WatchState): [Severity, string] {
  if (lostReason !== undefined) return ['error', `connection lost, retrying: ${lostReason}`]
  if (server === undefined) return ['warning', 'connecting']
  const [severity, text] = describeListening(server, node?.state)
  return [severity, severity === 'success' ? `${text} for ${formatDuration(server.uptime)}` : text]
}

const NAME_WIDTH = 10
const DIRECTION_WIDTH = 4
const VALUE_WIDTH = 9
const MAX_SPARKLINE = 60

function rates ({ stats, history }: WatchState, width: number, theme: Theme): string[] {
  const half = Math.floor((width - NAME_WIDTH) / 2)
  const sparkWidth = Math.max(0, Math.min(MAX_SPARKLINE, half - DIRECTION_WIDTH - VALUE_WIDTH - 2))
  const cell = (direction: 'in' | 'out', label: string, value: string, values: readonly number[]): string =>
    theme.quiet(fitText(label, DIRECTION_WIDTH)) + theme.strong(fitText(value, VALUE_WIDTH, 'right')) +
    ` ${theme[direction](sparkline(values, sparkWidth))} `
  type Values = { readonly in: readonly number[], readonly out: readonly number[] }
  const row = (name: string, format: (rate: number) => string, values: Values): string =>
    theme.quiet(fitText(name, NAME_WIDTH)) +
    (['in', 'out'] as const).map(way => cell(way, way, format(values[way].at(-1) ?? 0), values[way])).join('')
  const { open = 0, closing = 0, pending = 0 } = stats?.peers ?? {}
  const others = [closing > 0 ? `${closing} closing` : [], pending > 0 ? `${pending} pending` : []].flat().join(', ')
  return [
    theme.quiet(fitText('Peers', NAME_WIDTH)) + cell('in', '', formatRate(open), history.peers) +
      theme.quiet(fitText(others, half).trimEnd()),
    row('Packets/s', formatRate, { in: history.packetsIn, out: history.packetsOut }),
    row('Bytes/s', formatBytes, { in: history.bytesIn, out: history.bytesOut })
  ]
}

interface Column {
  readonly name: string
  /** The field to sort by; a column without one cannot be sorted. */
  readonly sort?: string
  readonly order?: 'asc' | 'desc'
  /** Direction in which the shown values are sorted, where it differs from `order`. */
  readonly arrow?: string
  readonly width: number
  readonly align?: Align
  readonly read: (peer: Peer, now: number) => string
}

const roomColumn: Column = { name: 'Room', width: 12, read: ({ room }) => room }

/**
 * The columns of the peers, and the order in which each is sorted; the last ones are omitted on narrow terminals, the
 * room on a server without rooms.
 */
const columns: readonly Column[] = [
  { name: 'Id', sort: 'id', order: 'asc', width: 10, read: ({ id }) => String(id) },
  {
    name: 'Address',
    sort: 'address',
    order: 'asc',
    width: 21,
    read: ({ address, port }) => formatEndpoint(address, port)
  },
  roomColumn,
  {
    name: 'Age',
    sort: 'connectedAt',
    order: 'desc',
    arrow: '↑',
    width: 8,
    align: 'right',
    read: ({ connectedAt }, now) => formatAge(connectedAt, now)
  },
  { name: 'In', sort: 'bytesIn', order: 'desc', width: 9, align: 'right', read: ({ bytesIn }) => formatBytes(bytesIn) },
  {
    name: 'Out',
    sort: 'bytesOut',
    order: 'desc',
    width: 9,
    align: 'right',
    read: ({ bytesOut }) => formatBytes(bytesOut)
  },
  {
    name: 'Buffer',
    sort: 'bufferedAmount',
    order: 'desc',
    width: 9,
    align: 'right',
    read: ({ bufferedAmount }) => bufferedAmount === 0 ? '–' : formatBytes(bufferedAmount)
  },
  { name: 'Protocol', sort: 'protocol', order: 'asc', width: 12, read: ({ protocol }) => protocol }
]

/** The fields that peers can be sorted by, in the order in which the key `s` cycles through them. */
export const sortFields = columns.flatMap(({ sort }) => sort ?? [])

/** The order in which peers are sorted by a field. */
export function sortOrder (field: string): 'asc' | 'desc' {
  return columns.find(({ sort }) => sort === field)!.order!
}

function headingOf ({ name, sort, order, arrow = order === 'asc' ? '↑' : '↓' }: Column, sorted: string): string {
  return sort === sorted ? `${name} ${arrow}` : name
}

function peerTable (state: WatchState, width: number, rows: number, theme: Theme): string[] {
  const { peers, stats, members, server, sort } = state
  let used = 0
  const wanted = columns.filter(column => column !== roomColumn || server?.rooms?.enabled)
  const shown = wanted.filter(column => (used += column.width + 2) <= width + 2)
  const now = Date.now()
  const headings = shown.map(column => {
    const style = column.sort === sort ? theme.strong : theme.quiet
    return style(fitText(headingOf(column, sort), column.width, column.align))
  })
  const list = peers.slice(0, rows).map(peer => {
    const style = peer.state === 'open' ? unstyled : theme.quiet
    return style(shown.map(column => fitText(column.read(peer, now), column.width, column.align)).join('  '))
  })
  const hidden = Math.max(peers.length, members ?? stats?.peers.open ?? 0) - rows
  if (list.length === 0) list.push(theme.quiet('No peers connected.'))
  else if (hidden > 0 && rows > 1) list[rows - 1] = theme.quiet(fitText(`and ${hidden + 1} more`, width))
  return [headings.join('  '), ...list, ...Array.from({ length: rows - list.length }, () => '')]
}

function eventList ({ events }: WatchState, width: number, rows: number, theme: Theme): string[] {
  return [theme.quiet('Events'), ...events.slice(-rows).reverse().map(line => renderEvent(line, width, theme))]
}

function renderEvent (line: EventLine, width: number, theme: Theme): string {
  const time = formatTime(new Date(line.at))
  const room = width - time.length - 2
  const heading = fitText(line.heading, Math.min(line.heading.length, room))
  const text = fitText(textWithCount(line), Math.max(0, room - heading.length - 1))
  return `${theme.quiet(time)}  ${theme[line.severity](heading)} ${text}`.trimEnd()
}
