import type { ClientEvent } from '../client/client.ts'
import type { Peer, State } from '../client/operations.ts'
import type { FeedData } from '../core/feed-event.ts'
import { brief, bytes, duration, fit, sparkline } from './format.ts'

/** Everything that `watch` shows. */
export interface Scene {
  readonly url: string
  state: State | undefined
  /** What is wrong with the connection to the service, if anything is. */
  trouble: string | undefined
  stats: FeedData['stats'] | undefined
  /** The last values, a second each. */
  readonly history: { readonly peers: number[], readonly packetsIn: number[], readonly packetsOut: number[], readonly bytesIn: number[], readonly bytesOut: number[] }
  peers: readonly Peer[]
  sort: string
  readonly events: ClientEvent[]
  isPaused: boolean
}

type Paint = (text: string) => string

/** How things are painted; each paints nothing where colours are not wanted. */
export interface Palette { readonly strong: Paint, readonly quiet: Paint, readonly good: Paint, readonly warn: Paint, readonly bad: Paint, readonly in: Paint, readonly out: Paint }

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
  const lines = [
    '',
    ...head(scene, width, paint),
    '',
    ...rates(scene, width, paint),
    '',
    ...peerTable(scene, width, peerRows, paint),
    '',
    ...eventList(scene, width, eventRows, paint)
  ]
  return lines.slice(0, rows).map(line => line === '' ? '' : ' '.repeat(SIDE) + line)
}

function head ({ state, trouble, url, isPaused }: Scene, width: number, paint: Palette): string[] {
  const [tone, status] = statusOf(state, trouble)
  const what = state === undefined ? '' : `${state.gdMpApi ? `relay, ${state.wire === 'godot4' ? 'Godot 4' : 'Godot 3'}` : 'plain'}${state.protocols.length === 0 ? '' : ` · ${state.protocols.join(', ')}`}`
  const keys = isPaused ? 'paused · p go on · q quit' : 's sort · p pause · q quit'
  const left = `● ${status}`
  return [
    paint[tone]('●') + paint.strong(fit(left.slice(1), Math.max(0, width - keys.length))) + paint.quiet(keys),
    paint.quiet(fit(`${url}${what === '' ? '' : ` · ${what}`}`, width))
  ]
}

function statusOf (state: State | undefined, trouble: string | undefined): ['good' | 'warn' | 'bad', string] {
  if (trouble !== undefined) return ['bad', trouble]
  if (state === undefined) return ['warn', 'connecting']
  if (!state.listening) return ['bad', 'not listening']
  return state.refuseNewConnections ? ['warn', 'refusing new connections'] : ['good', `listening for ${duration(state.uptime)}`]
}

function rates ({ stats, history }: Scene, width: number, paint: Palette): string[] {
  const last = (values: readonly number[]): number => values.at(-1) ?? 0
  const half = Math.floor((width - 10) / 2)
  const cell = (tone: 'in' | 'out', name: string, value: string, values: readonly number[], size: number): string =>
    `${paint.quiet(fit(name, 4))}${paint.strong(fit(value, 9, true))} ${paint[tone](sparkline(values, Math.max(0, Math.min(60, size - 15))))} `
  const { closing = 0, pending = 0 } = stats?.peers ?? {}
  const more = [closing > 0 ? `${closing} closing` : '', pending > 0 ? `${pending} on the way` : ''].filter(text => text !== '').join(', ')
  return [
    `${paint.quiet(fit('Peers', 10))}${cell('in', '', brief(stats?.peers.open ?? 0), history.peers, half)}${paint.quiet(more)}`,
    `${paint.quiet(fit('Packets/s', 10))}${cell('in', 'in', brief(last(history.packetsIn)), history.packetsIn, half)}${cell('out', 'out', brief(last(history.packetsOut)), history.packetsOut, half)}`,
    `${paint.quiet(fit('Bytes/s', 10))}${cell('in', 'in', bytes(last(history.bytesIn)), history.bytesIn, half)}${cell('out', 'out', bytes(last(history.bytesOut)), history.bytesOut, half)}`
  ]
}

interface Column { readonly name: string, readonly sort: string, readonly width: number, readonly isRight?: boolean, readonly read: (peer: Peer, now: number) => string }

/** The columns of the list; those at the end are left out where there is no room. */
const columns: readonly Column[] = [
  { name: 'Id', sort: 'id', width: 10, read: ({ id }) => String(id) },
  { name: 'Address', sort: 'address', width: 21, read: ({ address, port }) => `${address}:${port}` },
  { name: 'Age', sort: 'connectedAt', width: 8, isRight: true, read: ({ connectedAt }, now) => duration((now - Date.parse(connectedAt)) / 1000) },
  { name: 'In', sort: 'bytesIn', width: 9, isRight: true, read: ({ bytesIn }) => bytes(bytesIn) },
  { name: 'Out', sort: 'bytesOut', width: 9, isRight: true, read: ({ bytesOut }) => bytes(bytesOut) },
  { name: 'Buffer', sort: 'bufferedAmount', width: 9, isRight: true, read: ({ bufferedAmount }) => bufferedAmount === 0 ? '–' : bytes(bufferedAmount) },
  { name: 'Protocol', sort: 'protocol', width: 12, read: ({ protocol }) => protocol }
]

/** What the list can be sorted by, in the order in which the key goes through them. */
export const sorts = columns.map(({ sort }) => sort)

function peerTable ({ peers, sort }: Scene, width: number, rows: number, paint: Palette): string[] {
  let used = 0
  const shown = columns.filter(column => (used += column.width + 2) <= width + 2)
  const line = (read: (column: Column) => string): string => shown.map(column => fit(read(column), column.width, column.isRight)).join('  ')
  const now = Date.now()
  const heading = shown.map(column => (column.sort === sort ? paint.strong : paint.quiet)(fit(column.name, column.width, column.isRight))).join('  ')
  const list = peers.slice(0, rows).map(peer => (peer.state === 'open' ? plain : paint.quiet)(line(column => column.read(peer, now))))
  if (list.length === 0) list.push(paint.quiet('Nobody is here.'))
  return [heading, ...list, ...Array.from({ length: rows - list.length }, () => '')]
}

function eventList ({ events }: Scene, width: number, rows: number, paint: Palette): string[] {
  return [paint.quiet('Events'), ...events.slice(-rows).reverse().map(event => {
    const { tone, text } = describeEvent(event)
    const [verb, ...rest] = text.split(' ')
    const clock = 'at' in event ? new Date(event.at).toLocaleTimeString('en-GB') : ''
    const room = width - clock.length - 2
    return `${paint.quiet(clock)}  ${paint[tone](fit(verb, Math.min(verb.length, room)))} ${fit(rest.join(' '), Math.max(0, room - verb.length - 1)).trimEnd()}`
  })]
}

type Tone = 'good' | 'warn' | 'bad' | 'quiet'

const quoted = (text: string): string => text === '' ? '' : ` "${text}"`
const times = (count: number): string => count > 1 ? ` x${count}` : ''
const joined = ({ id, address, port, protocol }: FeedData['peer_connected']): [Tone, string] => ['good', `joined ${id} from ${address}:${port}${protocol === '' ? '' : ` (${protocol})`}`]
const left = ({ id, cause, outcome, code, reason, seconds }: FeedData['peer_disconnected']): [Tone, string] =>
  [outcome === 'clean' ? 'quiet' : 'warn', `left ${id} by ${cause}, ${code}${quoted(reason)}, after ${duration(seconds)}`]

/** What each type of event says, in a line that begins with its verb. */
const sentences: { readonly [Type in keyof FeedData]?: (data: FeedData[Type]) => [Tone, string] } = {
  client_connected: joined,
  peer_connected: joined,
  client_close_request: ({ id, code, reason }) => ['quiet', `closing ${id} asks for it, ${code}${quoted(reason)}`],
  client_disconnected: left,
  peer_disconnected: left,
  refused: ({ reason, address, count }) => ['warn', `refused ${reason} from ${address}${times(count)}`],
  limited: ({ limit, option, id, address, count }) => ['warn', `limited ${limit} (${option})${id === undefined ? '' : ` by ${id}`}${address === undefined ? '' : ` from ${address}`}${times(count)}`],
  dropped: ({ id, reason, count }) => ['warn', `dropped ${reason} by ${id}${times(count)}`],
  listening: ({ port, mode }) => ['good', `listening on port ${port} (${mode})`],
  stopped: () => ['bad', 'stopped'],
  admin: ({ by, act, id, given, status }) => [status < 400 ? 'quiet' : 'bad', `${by ?? 'someone'}: ${act}${id === undefined ? '' : ` ${id}`} ${JSON.stringify(given)} -> ${status}`],
  packet: ({ id, target, bytes, isText, hex }) => ['quiet', `packet ${id}${target === undefined ? '' : ` -> ${target}`} ${bytes} B ${isText ? 'text' : 'binary'} ${hex}`]
}

/** An event in a line: how it is meant, and what it says. */
export function describeEvent (event: ClientEvent): { tone: Tone, text: string } {
  if (event.type === 'reset') return { tone: 'warn', text: 'a gap: what happened meanwhile is no longer known' }
  const sentence = event.type === 'open' ? undefined : sentences[event.type] as ((data: ClientEvent) => [Tone, string]) | undefined
  const [tone, text] = sentence?.(event) ?? ['quiet', event.type]
  return { tone, text }
}
