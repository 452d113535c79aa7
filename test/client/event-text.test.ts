import t from 'tap'
import { eventTypes as feedTypes } from '../../src/admin/feed-event.ts'
import { describeEvent, describeTarget, eventTypes, joinParts } from '../../src/client/event-text.ts'

const at = '2025-01-31T12:00:00.000Z'

/** A value for every member of every type of event. */
const members = {
  id: 7,
  room: 'main',
  from: 'lobby',
  address: '203.0.113.9',
  port: 5000,
  protocol: 'chat',
  cause: 'client',
  outcome: 'clean',
  code: 1000,
  reason: 'x',
  seconds: 65,
  count: 3,
  limit: 'packet-rate',
  option: 'maxPacketsPerSecond',
  mode: 'mounted',
  protocols: ['chat', 'game'],
  gdMpApi: true,
  action: 'disconnectPeer',
  by: 'alice',
  parameters: { code: 4001, reason: 'rude' },
  status: 202,
  bytes: 2,
  isText: false,
  hex: 'c0ff',
  standsFor: 1
}

type Event = Parameters<typeof describeEvent>[0]

function textOf (type: string, more: object = {}): string {
  return joinParts(describeEvent({ type, at, ...members, ...more } as unknown as Event).parts)
}

const texts: Array<[type: string, more: object, text: string]> = [
  ['client_connected', { protocol: '' }, 'joined 7 from 203.0.113.9:5000'],
  ['peer_connected', { address: '2001:db8::7' }, 'joined 7 from [2001:db8::7]:5000 (chat)'],
  ['peer_connected', { protocol: '', room: 'arena-7' }, 'joined 7 in arena-7 from 203.0.113.9:5000'],
  ['peer_connected', { protocol: '', room: undefined }, 'joined 7 from 203.0.113.9:5000'],
  ['client_disconnected', { room: 'arena-7' }, 'left 7 in arena-7 after 1m 5s: closed by the client, 1000 "x"'],
  ['peer_moved', { room: 'arena-7' }, 'moved 7 from lobby to arena-7'],
  ['room_opened', { room: 'arena-7' }, 'room opened arena-7'],
  ['room_opened', { room: 'arena-7', failover: true }, 'room opened arena-7 after its node was lost'],
  ['node_joined', { node: 'game-1', slot: 7 }, 'node joined game-1 in slot 7'],
  ['node_left', { node: 'game-1', slot: 7, cause: 'lost' }, 'node lost game-1'],
  ['node_left', { node: 'game-1', slot: 7, cause: 'left' }, 'node left game-1'],
  ['cluster_gap', { from: 'game-1', lost: 3, room: 'arena-7' }, 'messages lost 3 of node game-1 in arena-7'],
  ['room_closed', { room: 'arena-7', code: 4001 }, 'room closed arena-7 after 1m 5s: 4001 "x"'],
  ['room_closed', { room: 'arena-7', code: null }, 'room closed arena-7 after 1m 5s: empty'],
  ['client_close_request', { reason: '' }, 'closing 7 requested by the client, 1000'],
  ['client_disconnected', {}, 'left 7 after 1m 5s: closed by the client, 1000 "x"'],
  ['peer_disconnected', { cause: 'slow', outcome: 'timeout', code: 4008, reason: '' },
    'left 7 after 1m 5s: reading too slowly, 4008, close not acknowledged'],
  ['refused', { reason: 'server-full' }, 'refused 203.0.113.9: server-full'],
  ['unauthorized', { status: 401 }, 'unauthorized admin request from 203.0.113.9: 401'],
  ['limited', {}, 'limit reached packet-rate (maxPacketsPerSecond) by 7 from 203.0.113.9'],
  ['limited', { id: undefined, address: undefined }, 'limit reached packet-rate (maxPacketsPerSecond)'],
  ['dropped', { reason: 'short-packet' }, 'dropped packet from 7 (short-packet)'],
  ['listening', {}, 'listening on port 5000 (mounted), multiplayer, chat, game'],
  ['stopped', {}, 'stopped'],
  ['admin', { room: undefined }, 'alice disconnectPeer 7 code 4001, reason "rude" → 202'],
  ['admin', { id: undefined, room: 'arena-7', action: 'closeRoom', parameters: {} }, 'alice closeRoom arena-7 → 202'],
  ['admin', { by: null, id: undefined, room: undefined, action: 'stop', parameters: {}, status: 401 },
    'anonymous stop → 401'],
  ['packet', {}, 'packet from 7 2 B binary c0ff'],
  ['packet', { target: 0, isText: true, hex: '6869', standsFor: 100 }, 'packet from 7 to all 2 B text (1 of 100) hi'],
  ['packet', { target: 9 }, 'packet from 7 to 9 2 B binary c0ff'],
  ['packet', { target: 1 }, 'packet from 7 to the server 2 B binary c0ff'],
  ['packet', { target: -9 }, 'packet from 7 to all except 9 2 B binary c0ff'],
  ['refused', { id: undefined, reason: 'server-full', node: 'game-1' }, 'refused 203.0.113.9: server-full on game-1'],
  ['stopped', { id: undefined, node: 'game-1' }, 'stopped on game-1'],
  ['admin', { id: undefined, room: undefined, action: 'stop', parameters: {}, node: 'game-1' },
    'alice stop → 202 on game-1'],
  ['room_opened', { id: undefined, room: 'arena-7', node: 'game-1' }, 'room opened arena-7 on game-1'],
  ['peer_connected', { protocol: '', node: 'game-1' }, 'joined 7 from 203.0.113.9:5000'],
  ['reset', {}, 'events missed (history no longer available)'],
  ['merged', { of: 'peer_disconnected', cause: 'stop', count: 9950 }, 'left 9,950 more peers: server stopped'],
  ['merged', { of: 'room_closed', cause: undefined, count: 12 }, 'room closed 12 more rooms'],
  ['merged', { of: 'later_version', cause: 'later', count: 12 }, 'later_version 12 more events: later'],
  ['of_a_later_version', {}, 'of_a_later_version']
]

for (const [type, more, text] of texts) t.test(`${type}: ${text}`, async t => { t.equal(textOf(type, more), text) })

t.test('every type of the feed except stats has a text', async t => {
  t.same([...eventTypes, 'stats'].sort(), Object.keys(feedTypes).sort())
  t.same(eventTypes.filter(type => !texts.some(([tested]) => tested === type)), [])
})

t.test('ids of peers are parts of their own', async t => {
  const { parts } = describeEvent({ type: 'packet', at, ...members, target: 9 } as unknown as Event)
  t.same(parts.filter(({ kind }) => kind === 'peer').map(({ text }) => text), ['7', '9'])
})

t.test('events have a severity and a category', async t => {
  const describe = (type: string, more: object = {}) =>
    describeEvent({ type, at, ...members, ...more } as unknown as Event)
  t.match(describe('peer_disconnected'), { severity: 'info', category: 'peers', count: 3 })
  t.match(describe('peer_disconnected', { outcome: 'reset' }), { severity: 'warning' })
  t.match(describe('admin', { status: 404 }), { severity: 'error', category: 'admin' })
  t.match(describe('refused'), { severity: 'warning', category: 'problems' })
  t.match(describe('packet'), { severity: 'info', category: 'packets' })
})

t.test('control characters are escaped', async t => {
  t.equal(textOf('client_close_request', { reason: '\u001B]0;owned\u0007\n\u202E' }),
    'closing 7 requested by the client, 1000 "\\u001b]0;owned\\u0007\\u000a\\u202e"')
})

t.test('a target is the id of a peer, or peers in words', async t => {
  t.same([0, 1, 9, -9].map(describeTarget), ['all', 'the server', 9, 'all except 9'])
})
