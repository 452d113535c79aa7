import type { ClientEvent, FeedEventData, MergedEvents } from './client.ts'
import { escapeControls } from './escape-controls.ts'
import { formatBytes, formatCount, formatDuration, formatEndpoint } from './format.ts'

export type Severity = 'info' | 'success' | 'warning' | 'error'

/** What an event is about; users filter by it. */
type EventCategory = 'peers' | 'problems' | 'admin' | 'packets'

/** A part of an event's text: its heading, the id of a peer, plain text, or details of less importance. */
interface TextPart { readonly kind: 'heading' | 'peer' | 'text' | 'detail', readonly text: string }

/** An event as a line of text without control characters; `count` when the event stands for several. */
interface EventText {
  readonly category: EventCategory
  readonly severity: Severity
  readonly parts: readonly TextPart[]
  readonly count: number | undefined
}

/** The heading of a line, and what follows it: numbers are ids of peers. */
type Line = readonly [Severity, heading: string, ...Array<string | number | TextPart | undefined>]

/** How events of one type are shown. */
interface EventFormat<Data> { readonly category: EventCategory, readonly line: (data: Data) => Line }

type Formats = { readonly [Type in Exclude<keyof FeedEventData, 'stats'>]: EventFormat<FeedEventData[Type]> }

const causes: Readonly<Record<FeedEventData['peer_disconnected']['cause'], string>> = {
  client: 'closed by the client',
  server: 'disconnected by the server',
  room: 'room closed',
  stop: 'server stopped',
  protocol: 'protocol error',
  slow: 'reading too slowly',
  flood: 'rate limit exceeded',
  silent: 'heartbeat timeout',
  cluster: 'cluster unavailable',
  reset: 'connection lost'
}

const connected: EventFormat<FeedEventData['peer_connected']> = {
  category: 'peers',
  line: ({ id, room, address, port, protocol }) =>
    ['success', 'joined', id, inRoom(room),
      `from ${formatEndpoint(address, port)}${protocol === '' ? '' : ` (${protocol})`}`]
}

const disconnected: EventFormat<FeedEventData['peer_disconnected']> = {
  category: 'peers',
  line: ({ id, room, cause, outcome, code, reason, seconds }) => [outcome === 'clean' ? 'info' : 'warning', 'left', id,
    inRoom(room),
    `after ${formatDuration(seconds)}: ${causes[cause] ?? cause}, ${closeText(code, reason)}` +
    (outcome === 'timeout' ? ', close not acknowledged' : '')]
}

const formats: Formats = {
  client_connected: connected,
  peer_connected: connected,
  client_close_request: {
    category: 'peers',
    line: ({ id, code, reason }) => ['info', 'closing', id, `requested by the client, ${closeText(code, reason)}`]
  },
  client_disconnected: disconnected,
  peer_disconnected: disconnected,
  peer_moved: {
    category: 'peers',
    line: ({ id, room, from }) => ['info', 'moved', id, `from ${from} to ${room}`]
  },
  room_opened: {
    category: 'peers',
    line: ({ room, failover }) => failover === true
      ? ['warning', 'room opened', room, 'after its node was lost']
      : ['success', 'room opened', room]
  },
  room_closed: {
    category: 'peers',
    line: ({ room, code, reason, seconds }) => ['info', 'room closed', room,
      `after ${formatDuration(seconds)}: ${code === null ? 'empty' : closeText(code, reason)}`]
  },
  refused: {
    category: 'problems',
    line: ({ reason, address }) => ['warning', 'refused', `${address}: ${reason}`]
  },
  unauthorized: {
    category: 'problems',
    line: ({ status, address }) => ['warning', 'unauthorized', `admin request from ${address}: ${status}`]
  },
  limited: {
    category: 'problems',
    line: ({ limit, option, id, address }) => ['warning', 'limit reached', `${limit} (${option})`,
      ...(id === undefined ? [] : ['by', id]), address === undefined ? undefined : `from ${address}`]
  },
  dropped: {
    category: 'problems',
    line: ({ id, reason }) => ['warning', 'dropped', 'packet from', id, `(${reason})`]
  },
  listening: {
    category: 'admin',
    line: ({ mode, port, protocols, gdMpApi }) => ['success', 'listening', `on port ${port} (${mode}), ` +
      [gdMpApi ? 'multiplayer' : 'plain', ...protocols].join(', ')]
  },
  stopped: {
    category: 'admin',
    line: () => ['error', 'stopped']
  },
  admin: {
    category: 'admin',
    line: ({ action, by, id, room, parameters, status }) => [status < 400 ? 'info' : 'error', by ?? 'anonymous',
      action, id, room, { kind: 'detail', text: parameterText(parameters) }, `→ ${status}`]
  },
  node_joined: {
    category: 'admin',
    line: ({ node, slot }) => ['success', 'node joined', node, `in slot ${slot}`]
  },
  node_left: {
    category: 'admin',
    line: ({ node, cause }) => [cause === 'lost' ? 'error' : 'info', cause === 'lost' ? 'node lost' : 'node left', node]
  },
  cluster_gap: {
    category: 'problems',
    line: ({ from, lost, room }) => ['error', 'messages lost', `${formatCount(lost)} of node ${from}`, inRoom(room)]
  },
  packet: {
    category: 'packets',
    line: ({ id, target, isText, bytes, hex, standsFor }) => ['info', 'packet', 'from', id,
      ...(target === undefined ? [] : ['to', describeTarget(target)]),
      `${formatBytes(bytes)} ${isText ? 'text' : 'binary'}${standsFor > 1 ? ` (1 of ${formatCount(standsFor)})` : ''}`,
      { kind: 'detail', text: isText ? decodeText(hex) : hex }]
  }
}

/** A single peer as its id, which can be selected; all others in words. */
export function describeTarget (target: number): number | string {
  if (target > 1) return target
  if (target === 1) return 'the server'
  return target === 0 ? 'all' : `all except ${-target}`
}

const missed: EventFormat<unknown> = {
  category: 'admin',
  line: () => ['warning', 'events missed', '(history no longer available)']
}

/** What happened to the peers or rooms of merged events. */
const mergedHeadings: Readonly<Record<string, readonly [heading: string, what: string]>> = {
  client_connected: ['joined', 'peers'],
  peer_connected: ['joined', 'peers'],
  client_close_request: ['closing', 'peers'],
  client_disconnected: ['left', 'peers'],
  peer_disconnected: ['left', 'peers'],
  peer_moved: ['moved', 'peers'],
  room_opened: ['room opened', 'rooms'],
  room_closed: ['room closed', 'rooms']
}

const merged: EventFormat<MergedEvents> = {
  category: 'peers',
  line: ({ of, cause, count }) => {
    const [heading, what] = mergedHeadings[of] ?? [of, 'events']
    const why = cause === undefined ? '' : `: ${causes[cause] ?? cause}`
    return ['info', heading, `${formatCount(count)} more ${what}${why}`]
  }
}

/** Types of all events that have a text; `stats` and `reset` aside, every type that the feed has. */
export const eventTypes = Object.keys(formats) as ReadonlyArray<keyof typeof formats>

/** Describes an event in a line. */
export function describeEvent (event: Exclude<ClientEvent, { type: 'open' }>): EventText {
  const { category, line } = formatOf(event.type)
  const [severity, heading, ...rest] = line(event)
  const parts = [{ kind: 'heading', text: heading } as const, ...[...rest, whereOf(event)].flatMap(partOf)]
  return {
    category,
    severity,
    parts: parts.map(({ kind, text }) => ({ kind, text: escapeControls(text) })),
    count: 'count' in event && event.type !== 'merged' ? event.count : undefined
  }
}

/** Parts as one text, with spaces between them. */
export function joinParts (parts: readonly TextPart[]): string {
  return parts.map(({ text }) => text).join(' ')
}

function formatOf (type: string): EventFormat<unknown> {
  if (type === 'reset') return missed
  if (type === 'merged') return merged as EventFormat<unknown>
  if (Object.hasOwn(formats, type)) return formats[type as keyof typeof formats] as EventFormat<unknown>
  return { category: 'admin', line: () => ['info', type] }
}

/** The node that an event of a cluster happened on, unless it is about that node itself, or about a peer. */
function whereOf (event: object): TextPart | undefined {
  const { type, node, id } = event as { type?: string, node?: string, id?: number }
  if (node === undefined || id !== undefined || type === 'node_joined' || type === 'node_left') return undefined
  return { kind: 'detail', text: `on ${node}` }
}

/** What the event lacks, or has as null, is left out. */
function partOf (part: Line[number] | null): TextPart[] {
  if (part === undefined || part === null) return []
  if (typeof part === 'object') return part.text === '' ? [] : [part]
  return [typeof part === 'number' ? { kind: 'peer', text: String(part) } : { kind: 'text', text: String(part) }]
}

/** The room that all clients are in unless they ask for another. */
const MAIN = 'main'

function inRoom (room: string | undefined): string | undefined {
  return room === undefined || room === MAIN ? undefined : `in ${room}`
}

function closeText (code: number, reason: string): string {
  return `${code}${reason === '' ? '' : ` "${reason}"`}`
}

/** `code 4001, reason "rude"` */
function parameterText (parameters: Readonly<Record<string, unknown>>): string {
  return Object.entries(parameters).map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(', ')
}

function decodeText (hex: string): string {
  return new TextDecoder().decode(Uint8Array.from(hex.match(/../g) ?? [], pair => parseInt(pair, 16)))
}
