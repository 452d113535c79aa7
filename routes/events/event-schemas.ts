import { Type, type TObject } from '../../src/typebox.ts'
import { partial } from '../page.ts'
import { type EventType, eventTypes } from '../../src/admin/feed-event.ts'
import { count, PeerCounts } from '../schemas.ts'

const text = (description: string) => Type.String({ description })
const seconds = (description: string) => Type.Number({ minimum: 0, description })
const flag = (description: string) => Type.Boolean({ description })

const id = Type.Integer({ description: 'Id of the peer', examples: [1836495123] })
const room = Type.String({ description: 'Name of the room', examples: ['main'] })
const address = Type.String({ description: 'IP address', examples: ['192.0.2.7'] })
const slot = count('Slot of the node: the upper 10 bits of the ids of its peers')
const node = Type.Optional(Type.String({ description: 'Id of the node that it happened on, in a cluster' }))
const merged = count('Number of occurrences that the event stands for')

const traffic = {
  packetsIn: count('Packets received'),
  packetsOut: count('Packets sent'),
  bytesIn: count('Payload bytes received'),
  bytesOut: count('Payload bytes sent')
}
const joined = { id, room, address, port: count('TCP port of the client'), protocol: text('Negotiated subprotocol') }
const left = {
  ...joined,
  cause: text('Who or what ended it'),
  outcome: text('How the connection closed'),
  wasCleanClose: flag('Whether both close frames were exchanged'),
  code: count('Code of the first close frame, 1005 if it had none; 1006 without a frame'),
  reason: text('Reason of the first close frame'),
  closeSeconds: seconds('From that frame to the end of the connection'),
  seconds: seconds('Time that it was connected'),
  ...traffic
}

/** The members of each event type, besides `type` and `at`. */
export const eventMembers = {
  client_connected: joined,
  client_close_request: {
    id,
    room,
    code: count('Code of the close frame; 1005 if it had none, for which the signal of this name has 0'),
    reason: text('Its reason')
  },
  client_disconnected: left,
  peer_connected: joined,
  peer_disconnected: left,
  peer_moved: { id, room, from: text('Name of the room that it was in') },
  room_opened: { room, failover: Type.Optional(flag('In a cluster: whether its home was lost before')) },
  room_closed: {
    room,
    code: Type.Union([Type.Integer(), Type.Null()], { description: 'Close code of its peers; null: it was empty' }),
    reason: text('Close reason of its peers'),
    seconds: seconds('Time that it was open')
  },
  refused: { reason: text('Code of the error, or `wrong-token`'), address, count: merged },
  limited: {
    limit: text('Name of the limit'),
    option: text('Option that sets it'),
    id: Type.Optional(id),
    room: Type.Optional(room),
    address: Type.Optional(address),
    origin: Type.Optional(text('Limit `origin-refused`: the origin of the page')),
    status: Type.Optional(Type.Integer({ description: 'Limit `join-refused`: the HTTP status of the refusal' })),
    reason: Type.Optional(text('Limit `join-refused`: why, if `onHandshake` said so')),
    count: merged
  },
  dropped: { id, room, reason: text('Why the packets were dropped'), count: merged },
  listening: {
    mode: text('`mounted` or `own`'),
    port: count('The bound port'),
    tls: flag('Whether clients connect with wss'),
    protocols: Type.Unsafe<readonly string[]>(Type.Array(Type.String(), { description: 'Supported subprotocols' })),
    gdMpApi: flag('Whether it uses Godot\'s multiplayer protocol')
  },
  stopped: {},
  admin: {
    action: text('The operationId, or method and path where no operation matched'),
    by: Type.Union([Type.String(), Type.Null()], {
      description: 'Name of the token; null where the host authenticates, or the service has no token'
    }),
    address,
    id: Type.Optional(id),
    room: Type.Optional(room),
    parameters: Type.Record(Type.String(), Type.Unknown(), { description: 'Of the request, bounded in size' }),
    status: count('HTTP status of the response')
  },
  unauthorized: { status: count('HTTP status: 401 or 403'), address, count: merged },
  node_joined: { node: text('Id of the node that joined'), slot },
  node_left: { node: text('Id of the node that left'), slot, cause: text('`left` or `lost`') },
  cluster_gap: {
    from: text('Id of the node whose messages were lost'),
    lost: count('Number of messages'),
    room: Type.Optional(room)
  },
  packet: {
    id,
    room,
    target: Type.Optional(Type.Integer({ description: 'As in Godot: 0 all, id one, -id all but one' })),
    isText: flag('Whether it was a text message'),
    bytes: count('Size of its payload'),
    hex: text('First bytes of its payload in hexadecimal'),
    standsFor: count('Number of packets that it stands for')
  },
  stats: {
    peers: PeerCounts,
    ...traffic,
    rooms: count('Number of rooms, including `main`'),
    packetsRelayed: count('Packets from one peer to another, counted per recipient'),
    packetsDropped: count('Packets dropped'),
    listening: flag('Whether clients can connect'),
    refuseNewConnections: flag('Whether new connections are refused'),
    nodes: Type.Optional(Type.Array(Type.String(), { description: 'In a cluster, the nodes whose sum this is' })),
    ...partial
  }
} as const satisfies Record<EventType, TObject['properties']>

const at = Type.String({ format: 'date-time', description: 'When it happened', examples: ['2025-01-31T12:00:00.000Z'] })

/** An event as `data` of a message of the stream: one schema for each type. */
export const Event = Type.Union([
  ...Object.entries(eventMembers).map(([type, own]) => Type.Object({ type: Type.Literal(type), at, node, ...own }, {
    description: eventTypes[type as EventType]
  })),
  Type.Object({ type: Type.Literal('reset'), at }, { description: 'Missed events are no longer available' }),
  Type.Object({
    type: Type.Literal('merged'),
    at,
    of: text('Type of the merged events'),
    cause: Type.Optional(text('Their cause, if they have one')),
    count: count('Number of merged events')
  }, { description: 'Many events of one type at once; only with `merge=true`' })
], { $id: 'PeerServer.Event', description: 'An event' })
