import type { Peer, State } from '../client/operations.ts'
import { type EventLine, type Tone, withCount } from './event-line.ts'
import { brief, bytes, duration, endpoint, fit, printable, sparkline } from './format.ts'
import type { Scene } from './scene.ts'

type Paint = (text: string) => string

/** How things are painted; each paints nothing where colours are not wanted. */
export type Palette = Readonly<Record<Tone | 'strong' | 'in' | 'out', Paint>>

const code = (...numbers: number[]): Paint => text => `\u001B[${numbers.join(';')}m${text}\u001B[0m`
const plain: Paint = text => text

export const colours: Palette = { strong: code(1), quiet: code(38, 5, 245), good: code(38, 5, 72), warn: code(38, 5, 179), bad: code(38, 5, 167), in: code(38, 5, 72), out: code(38, 5, 173) }
export const noColours: Palette = { strong: plain, quiet: plain, good: plain, warn: plain, bad: plain, in: plain, out: plain }

const SIDE = 2
/** Lines that are not of the two lists: head, rates, headings, gaps. */
const FIXED = 11
const MAX_EVENTS = 10

/** The scene as lines for a terminal of this size. */
export function draw (scene: Scene, columns: number, rows: number, paint: Palette): string[] {
  const width = Math.max(20, columns - 2 * SIDE)
  const eventRows = Math.min(MAX_EVENTS, Math.max(2, Math.floor((rows - FIXED) / 3)))
  const peerRows = Math.max(1, rows - FIXED - eventRows)
  const lines = ['', ...head(scene, width, paint), '', ...rates(scene, width, paint), '', ...peerTable(scene, width, peerRows, paint), '', ...eventList(scene, width, eventRows, paint)]
  return lines.slice(0, rows).map(line => line === '' ? '' : ' '.repeat(SIDE) + line)
}

function head ({ state, trouble, url, isPaused }: Scene, width: number, paint: Palette): string[] {
  const [tone, status] = statusOf(state, trouble)
  const keys = isPaused ? 'paused · p go on · q quit' : 's sort · p pause · q quit'
  const room = width - keys.length
  const hasKeys = status.length + 4 <= room
  return [
    `${paint[tone]('●')} ${paint.strong(fit(status, (hasKeys ? room : width) - 2))}${hasKeys ? paint.quiet(keys) : ''}`,
    paint.quiet(fit(state === undefined ? url : `${url} · ${kindOf(state)}`, width))
  ]
}

function kindOf ({ gdMpApi, wire, protocols }: State): string {
  const kind = gdMpApi ? `relay, ${wire === 'godot4' ? 'Godot 4' : 'Godot 3'}` : 'plain'
  return [kind, ...protocols].join(' · ')
}

function statusOf (state: State | undefined, trouble: string | undefined): [Tone, string] {
  if (trouble !== undefined) return ['bad', trouble]
  if (state === undefined) return ['warn', 'connecting']
  if (!state.listening) return ['bad', 'not listening']
  return state.refuseNewConnections ? ['warn', 'refusing new connections'] : ['good', `listening for ${duration(state.uptime)}`]
}

const NAME = 10
const VALUE = 13
const MAX_SPARK = 60

function rates ({ stats, history }: Scene, width: number, paint: Palette): string[] {
  const half = Math.floor((width - NAME) / 2)
  const cell = (tone: 'in' | 'out', name: string, value: string, values: readonly number[]): string =>
    `${paint.quiet(fit(name, 4))}${paint.strong(fit(value, VALUE - 4, true))} ${paint[tone](sparkline(values, Math.max(0, Math.min(MAX_SPARK, half - VALUE - 2))))} `
  const both = (name: string, format: (value: number) => string, ways: { readonly in: readonly number[], readonly out: readonly number[] }): string =>
    paint.quiet(fit(name, NAME)) + (['in', 'out'] as const).map(way => cell(way, way, format(ways[way].at(-1) ?? 0), ways[way])).join('')
  const { open = 0, closing = 0, pending = 0 } = stats?.peers ?? {}
  const more = [closing > 0 ? `${closing} closing` : '', pending > 0 ? `${pending} on the way` : ''].filter(text => text !== '').join(', ')
  return [
    `${paint.quiet(fit('Peers', NAME))}${cell('in', '', brief(open), history.peers)}${paint.quiet(more)}`,
    both('Packets/s', brief, { in: history.packetsIn, out: history.packetsOut }),
    both('Bytes/s', bytes, { in: history.bytesIn, out: history.bytesOut })
  ]
}

interface Column { readonly name: string, readonly sort: string, readonly order: 'asc' | 'desc', readonly arrow?: string, readonly width: number, readonly isRight?: boolean, readonly read: (peer: Peer, now: number) => string }

/** The columns of the list, and which way it is sorted by each; those at the end are left out where there is no room. */
const columns: readonly Column[] = [
  { name: 'Id', sort: 'id', order: 'asc', width: 10, read: ({ id }) => String(id) },
  { name: 'Address', sort: 'address', order: 'asc', width: 21, read: ({ address, port }) => endpoint(address, port) },
  { name: 'Age', sort: 'connectedAt', order: 'desc', arrow: '↑', width: 8, isRight: true, read: ({ connectedAt }, now) => duration((now - Date.parse(connectedAt)) / 1000) },
  { name: 'In', sort: 'bytesIn', order: 'desc', width: 9, isRight: true, read: ({ bytesIn }) => bytes(bytesIn) },
  { name: 'Out', sort: 'bytesOut', order: 'desc', width: 9, isRight: true, read: ({ bytesOut }) => bytes(bytesOut) },
  { name: 'Buffer', sort: 'bufferedAmount', order: 'desc', width: 9, isRight: true, read: ({ bufferedAmount }) => bufferedAmount === 0 ? '–' : bytes(bufferedAmount) },
  { name: 'Protocol', sort: 'protocol', order: 'asc', width: 12, read: ({ protocol }) => printable(protocol) }
]

/** What the list can be sorted by, in the order in which the key goes through them. */
export const sorts = columns.map(({ sort }) => sort)

/** Which way the list is sorted by that. */
export function orderOf (sort: string): 'asc' | 'desc' {
  return columns.find(column => column.sort === sort)!.order
}

/** The name of a column, with the way that what it shows is sorted. */
function titleOf ({ name, sort, order, arrow = order === 'asc' ? '↑' : '↓' }: Column, sorted: string): string {
  return sort === sorted ? `${name} ${arrow}` : name
}

function peerTable ({ peers, stats, sort }: Scene, width: number, rows: number, paint: Palette): string[] {
  let used = 0
  const shown = columns.filter(column => (used += column.width + 2) <= width + 2)
  const now = Date.now()
  const heading = shown.map(column => (column.sort === sort ? paint.strong : paint.quiet)(fit(titleOf(column, sort), column.width, column.isRight))).join('  ')
  const list = peers.slice(0, rows).map(peer => (peer.state === 'open' ? plain : paint.quiet)(shown.map(column => fit(column.read(peer, now), column.width, column.isRight)).join('  ')))
  const more = Math.max(peers.length, stats?.peers.open ?? 0) - rows
  if (list.length === 0) list.push(paint.quiet('Nobody is here.'))
  else if (more > 0 && rows > 1) list[rows - 1] = paint.quiet(`and ${more + 1} more`)
  return [heading, ...list, ...Array.from({ length: rows - list.length }, () => '')]
}

function eventList ({ events }: Scene, width: number, rows: number, paint: Palette): string[] {
  return [paint.quiet('Events'), ...events.slice(-rows).reverse().map(line => eventLine(line, width, paint))]
}

function eventLine (line: EventLine, width: number, paint: Palette): string {
  const clock = new Date(line.at).toLocaleTimeString('en-GB')
  const [verb, ...rest] = withCount(line).split(' ')
  const room = width - clock.length - 2
  return `${paint.quiet(clock)}  ${paint[line.tone](fit(verb, Math.min(verb.length, room)))} ${fit(rest.join(' '), Math.max(0, room - verb.length - 1))}`.trimEnd()
}
