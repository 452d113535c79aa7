// The text of docs/events.md: the events of the REST API and the signals of the classes, from their tables.
import { eventMembers } from '../../routes/events/event-schemas.ts'
import { eventTypes, type EventType } from '../../src/admin/feed-event.ts'
import { limits } from '../../src/core/server/limits.ts'
import { dropReasons } from '../../src/core/server/log/drop-reason.ts'
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

const intro = `\
There are two kinds. [Signals](#signals) are for the application, in its process. [Events](#events) are for operators:
the stream of \`GET /api/v1/events\` (Server-Sent Events), \`client.events()\` of the typed client,
\`fastify-peer-server watch\` and the dashboard. [operations.md](operations.md#events) says how to follow, filter and
resume them.`

const eventIntro = `\
\`data\` of every event is a JSON object with \`type\`, \`at\` (date and time, ISO 8601) and, in a cluster, \`node\`,
the id of the node that it happened on. The tables have the other members; those with \`?\` may be absent. A client
that has missed events which are no longer available gets \`reset\`, an event without other members. With
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
