// The text of docs/events.md: the events of the REST API and the signals of the classes, from their tables.
import { eventMembers } from '../routes/events/event-schemas.ts'
import { eventTypes, type EventType } from '../src/admin/feed-event.ts'
import { limits } from '../src/core/server/limits.ts'
import type { DropReason } from '../src/core/server/log/drop-reason.ts'
import { cell, table } from './markdown.ts'
import { meaningOf, typeOf } from './options-table.ts'
import type { ApiExport } from './public-api.ts'

/** What belongs together, in the order of the page; types with the same members share a table. */
const groups: Readonly<Record<string, ReadonlyArray<readonly EventType[]>>> = {
  Peers: [
    ['client_connected', 'peer_connected'], ['client_close_request'], ['client_disconnected', 'peer_disconnected'],
    ['peer_moved']
  ],
  Rooms: [['room_opened'], ['room_closed']],
  'Refusals, limits and drops': [['refused'], ['limited'], ['dropped']],
  'The server': [['listening'], ['stopped'], ['stats'], ['packet']],
  Administration: [['admin'], ['unauthorized']],
  'The cluster': [['node_joined'], ['node_left'], ['cluster_gap']]
}

/** Why a packet is dropped. */
const dropReasons: Readonly<Record<DropReason, string>> = {
  'short-packet': 'Shorter than the header of the relay: not a Godot client, or one of the other version',
  'not-data': 'Announces or removes peers, which only the server may',
  'spoofed-source': 'Godot 3: the source is not the id of the sender',
  'unknown-target': 'No peer of the room has this id',
  'own-target': 'Godot 3: addressed to its sender',
  'too-big': 'Relayed, it would exceed `outputBufferKb`',
  'relay-off': 'Addressed to other peers while option `serverRelay` is false',
  unread: 'For the server, which does not read packets; expected of a relay, and no event',
  'not-admitted': 'Sent before the client was authenticated (option `authenticate`)',
  'over-rate': 'Over the rate limit when its peer left',
  'rpc-malformed': 'A remote call that does not decode; a truncated argument never takes bytes of the path behind it',
  'rpc-unknown-path': 'A path id that this peer did not announce',
  'rpc-unknown-node': 'No such node is registered; also when other peers were meant and the server is only one of all',
  'rpc-unknown-member': 'The node has no handler with that name',
  'rpc-mode': 'The mode does not allow this sender',
  'rpc-arguments': 'Too many arguments, too few, or of another kind than declared',
  'rpc-unasked-confirm': 'Confirms a path that was not announced to it',
  'rpc-too-many-paths':
    'It announced more than 256 KiB of paths (each counts 64 bytes more); further ones are neither kept nor ' +
    'confirmed, so the client continues with full paths',
  'rpc-announced-twice': 'Godot 4: a path id that already stands for a path; the first one counts',
  'rpc-method-list': 'Godot 4: the sender\'s node has other methods than declared here',
  'sync-authority': 'Godot 4: values of a synchronizer of which the sender is not the authority',
  'sync-values': 'Godot 4: values of a synchronizer of another number or kind than declared',
  'spawn-authority': 'Godot 4: a spawn by a spawner of which the sender is not the authority',
  'spawn-invalid': 'Godot 4: a spawn with a name or id in use, or values of another number or kind than declared',
  'spawn-limit': 'Godot 4: a spawn beyond the `spawnLimit` of its spawner'
}

const intro = `\
There are two kinds. [Signals](#signals) are for the application, in its process. [Events](#events) are for operators:
the stream of \`GET /api/v1/events\` (Server-Sent Events), \`client.events()\` of the typed client,
\`fastify-peer-server watch\` and the dashboard. [operations.md](operations.md#events) says how to follow, filter and
resume them.`

const eventIntro = `\
\`data\` of every event is a JSON object with \`type\`, \`at\` (date and time, ISO 8601) and, in a cluster, \`node\`,
the id of the node that it happened on. The tables have the other members; those with \`?\` may be absent. A client
that has missed events which are no longer available gets \`reset\`, an event without further members. With
\`merge=true\` many events of one type that wait become one, \`merged\`, with \`of\` (their type), \`cause\` and
\`count\`.`

/** Lines of the page, from the exports of `fastify-peer-server`. */
export function eventsPage (exports: readonly ApiExport[]): string[] {
  return [
    intro, '', '## Events', '', eventIntro,
    ...Object.entries(groups).flatMap(([title, kinds]) => ['', `### ${title}`, ...kinds.flatMap(eventLines)]),
    '', '### Values', '',
    ...table(['member', 'values'], [
      ['`cause`', cell(docOf(exports, 'EndCause'))],
      ['`outcome`', cell(docOf(exports, 'EndOutcome'))],
      ['`reason` of `refused`', 'a code of [errors.md](errors.md), or `wrong-token`']
    ]),
    '', '`limit` and `option` of `limited`:', '',
    ...table(['limit', 'set by'], Object.entries(limits).map(row => row.map(text => `\`${text}\``))),
    '', '`reason` of `dropped`:', '',
    ...table(['reason', 'meaning'], Object.entries(dropReasons).map(([name, text]) => [`\`${name}\``, text])),
    '', '## Signals', '',
    '`on`, `once` and `off` add and remove listeners. What a listener throws or rejects with is logged and reaches ' +
      'nobody else.',
    ...exports.filter(({ signals }) => signals.length > 0).sort(byImportance).flatMap(signalLines)
  ]
}

function eventLines (types: readonly EventType[]): string[] {
  const members = Object.entries(eventMembers[types[0]]).map(([name, schema]) =>
    [`\`${name}${'~optional' in schema ? '?' : ''}\``, typeOf(schema).replace(/, 0 \.\.$/, ''), meaningOf(schema)])
  return [
    '', `#### ${types.join(', ')}`, '', `${meaningOfTypes(types)}.`,
    ...(members.length === 0 ? [] : ['', ...table(['member', 'type', 'meaning'], members)])
  ]
}

/** One sentence; types of the two modes differ only in their mode, in parentheses at the end. */
function meaningOfTypes (types: readonly EventType[]): string {
  if (types.length === 1) return eventTypes[types[0]]
  const parts = types.map(type => /^(.*) \((.* mode)\)$/.exec(eventTypes[type])!)
  return `${parts[0][1]}: ${parts.map(([, , mode], at) => `\`${types[at]}\` in ${mode}`).join(', ')}`
}

function signalLines ({ name, signals }: ApiExport): string[] {
  return ['', `### ${name}`, '', ...table(['signal', 'arguments', 'meaning', 'Godot'],
    signals.map(({ name, type, doc }) => [`\`${name}\``, `\`${type}\``, cell(doc.text), doc.godot ?? '']))]
}

/** The server first, then the other classes by name. */
function byImportance (a: ApiExport, b: ApiExport): number {
  return Number(b.name === 'WebSocketServer') - Number(a.name === 'WebSocketServer') || (a.name < b.name ? -1 : 1)
}

function docOf (exports: readonly ApiExport[], name: string): string {
  return exports.find(one => one.name === name)!.doc.text
}
