import { BadRequest } from '../http/http-error.ts'
import { problem } from '../http/problem.ts'
import { parseAddressRange } from '../src/address-range.ts'
import { MAX_BAN_SECONDS } from '../src/core/admission/bans.ts'
import { MAX_PEER_ID } from '../src/core/admission/peer-ids.ts'
import type { PeerSession } from '../src/core/peer/peer-session.ts'
import type { WebSocketPeer } from '../src/core/peer/websocket-peer.ts'
import { GodotError, noSuchPeer } from '../src/error.ts'
import { namePattern } from '../src/options/patterns.ts'
import { closeCodeRule, isServerCloseCode, MAX_REASON_BYTES } from '../src/protocol/websocket/close-code.ts'
import { Type, type Static } from '../src/typebox.ts'
import { asJson } from './as-json.ts'

// Parameters have no `examples`: Swagger UI would fill them in and send a filter or code that the user did not choose.

/** Id of a client; 1 is the server. */
export const PeerId = Type.Integer({ minimum: 2, maximum: MAX_PEER_ID, description: 'Id of the peer' })

/** A number of things. */
export const count = (description: string) => Type.Integer({ minimum: 0, description })

/** Number of the peers of a server, by state. */
export const PeerCounts = Type.Object({
  open: count('Open peers'),
  closing: count('Closing peers'),
  pending: count('Pending handshakes')
}, { description: 'Number of peers by state' })

/** Name of a room; case-sensitive. */
export const RoomName = Type.String({ pattern: namePattern, description: 'Name of the room' })

/** A close code that a server may send (RFC 6455 section 7.4). */
export const CloseCode = Type.Refine(Type.Integer({
  minimum: 1000,
  maximum: 4999,
  description: `Close code: ${closeCodeRule}. Codes from 4000 are for applications`
}), isServerCloseCode, () => `must be ${closeCodeRule}`)

/** A close reason that fits into a close frame. */
export const CloseReason = Type.Refine(Type.String({
  maxLength: MAX_REASON_BYTES,
  description: `Close reason for the client, such as \`kicked\`: at most ${MAX_REASON_BYTES} bytes of UTF-8`
}), isReason, () => `must be well-formed text of at most ${MAX_REASON_BYTES} bytes of UTF-8`)

function isReason (reason: string): boolean {
  return reason.isWellFormed() && Buffer.byteLength(reason) <= MAX_REASON_BYTES
}

export const invalidRange = 'must be an IP address or a CIDR range'

/** An IP address or a CIDR range. */
export const addressRange = (description: string) =>
  Type.Refine(Type.String({ description }), text => parseAddressRange(text) !== undefined, () => invalidRange)

/** Duration and reason of a ban. */
export const BanTerms = {
  seconds: Type.Optional(Type.Number({
    exclusiveMinimum: 0,
    maximum: MAX_BAN_SECONDS,
    description: 'Duration in seconds; permanent if omitted'
  })),
  reason: Type.Optional(CloseReason)
}

/** A peer. */
export const Peer = Type.Object({
  id: Type.Integer({ ...PeerId, examples: [1836495123] }),
  address: Type.String({ description: 'Address of the client', examples: ['192.0.2.7'] }),
  port: Type.Integer({ minimum: 0, maximum: 65535, description: 'Port of the client', examples: [51234] }),
  room: Type.String({ description: 'Room that it is in; `main` unless the server has others', examples: ['arena-7'] }),
  protocol: Type.String({ description: 'Negotiated subprotocol, empty for none', examples: ['chat'] }),
  state: Type.Enum(['open', 'closing', 'ended'], {
    type: 'string',
    description: 'closing: a close frame was sent and is not answered yet'
  }),
  connectedAt: Type.String({
    format: 'date-time',
    description: 'When it connected',
    examples: ['2025-01-31T12:00:00.000Z']
  }),
  packetsIn: Type.Integer({ minimum: 0, description: 'Packets received from it' }),
  packetsOut: Type.Integer({ minimum: 0, description: 'Packets sent to it' }),
  bytesIn: Type.Integer({ minimum: 0, description: 'Payload bytes received from it' }),
  bytesOut: Type.Integer({ minimum: 0, description: 'Payload bytes sent to it' }),
  bufferedAmount: Type.Integer({ minimum: 0, description: 'Bytes queued for sending' }),
  node: Type.Optional(Type.String({ description: 'Id of the node that it is connected to, in a cluster' })),
  data: Type.Optional(Type.Unknown({
    description:
      'Data from the application\'s `onHandshake`, as far as JSON can represent them: a BigInt as text, a circular ' +
      'reference as `[circular]`'
  }))
}, { $id: 'PeerServer.Peer', description: 'The peer' })

export type Peer = Static<typeof Peer>

/** A peer as `Peer` describes it; `node` is its node in a cluster. */
export function describePeer (peer: WebSocketPeer, node?: string): Peer {
  const { id, protocol, state, packetsIn, packetsOut, bytesIn, bytesOut } = peer
  const data = asJson(peer.data)
  return {
    id,
    address: peer.getConnectedHost(),
    port: peer.getConnectedPort(),
    room: peer.room.name,
    protocol,
    state,
    connectedAt: new Date(peer.connectedAt).toISOString(),
    packetsIn,
    packetsOut,
    bytesIn,
    bytesOut,
    bufferedAmount: peer.getCurrentOutboundBufferedAmount(),
    ...(node === undefined ? {} : { node }),
    ...(data === undefined ? {} : { data })
  }
}

/** A peer with what only its own node knows. */
export const PeerDetails = Type.Object({
  ...Peer.properties,
  paused: Type.Boolean({
    description: 'Whether nothing is read from it at the moment: a rate limit applies, or a queue is full'
  }),
  unreadPackets: Type.Integer({ minimum: 0, description: 'Packets from it that the application has not read yet' }),
  handshake: Type.Optional(Type.Object({
    url: Type.String({
      description: 'Path and query; tokens in it are masked', examples: ['/ws/arena-7?token=***']
    }),
    headers: Type.Record(Type.String(), Type.String(), {
      description:
        'Headers by lower-case name. Only values that are known to hold no secret are shown, others are `***`',
      examples: [{ 'user-agent': 'Godot', authorization: '***' }]
    })
  }, { description: 'Its upgrade request' }))
}, { $id: 'PeerServer.PeerDetails', description: 'The peer' })

export type PeerDetails = Static<typeof PeerDetails>

/** A peer of this node as `PeerDetails` describes it. */
export function describeDetails (session: PeerSession, node?: string): PeerDetails {
  // Not `getAvailablePacketCount` of the peer, which counts as reading: unread packets would wait, not be dropped.
  const { peer, isPaused: paused, unreadPackets, handshake } = session
  const shown = handshake === undefined ? {} : { handshake: handshake as NonNullable<PeerDetails['handshake']> }
  return { ...describePeer(peer, node), paused, unreadPackets, ...shown }
}

/** The response to a request with an invalid part. */
export function badRequest (description: string, pointer: string, message: string) {
  return problem(description, new BadRequest([{ pointer, message }]))
}

export const badLimit = badRequest('Invalid parameter', '/query/limit', 'must be <= 1000')
export const badId = badRequest('Not a peer id', '/params/id', 'must be integer')
export const noAnswer = problem('The node of the peer or room cannot be reached',
  new GodotError('cluster-unavailable', 'the node in slot 7 does not respond: no-responders'))
export const noCluster = problem('This node has lost the cluster', new GodotError('cluster-unavailable'))
export const noPeer = problem('No such peer', noSuchPeer(1836495123))
