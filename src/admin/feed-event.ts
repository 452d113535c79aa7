import type { ErrorCode } from '../error.ts'
import type { LimitName } from '../core/server/limits.ts'
import type { AdminAction } from './admin-action.ts'
import type { EndCause, EndOutcome } from '../core/peer/peer-end.ts'
import type { DropReason } from '../core/server/log/drop-reason.ts'

/** Packets and payload bytes, received from clients and sent to them. */
export interface TrafficTotals {
  /** Packets received. */
  packetsIn: number
  /** Packets sent. */
  packetsOut: number
  /** Payload bytes received. */
  bytesIn: number
  /** Payload bytes sent. */
  bytesOut: number
}

/** A client that joined. */
export interface PeerJoined {
  /** Id of the peer. */
  readonly id: number
  /** Name of its room. */
  readonly room: string
  /** IP address of the client. */
  readonly address: string
  /** TCP port of the client. */
  readonly port: number
  /** Negotiated subprotocol, '' if none. */
  readonly protocol: string
}

/** A client that left, and its traffic. */
export interface PeerLeft extends PeerJoined, TrafficTotals {
  /** Who or what ended it. */
  readonly cause: EndCause
  /** How the connection closed. */
  readonly outcome: EndOutcome
  /** Whether both close frames were exchanged. */
  readonly wasCleanClose: boolean
  /** Code of the first close frame, 1005 if it had none; 1006 without a frame. */
  readonly code: number
  /** Reason of the first close frame. */
  readonly reason: string
  /** Seconds from that frame to the end of the connection. */
  readonly closeSeconds: number
  /** Seconds that it was connected. */
  readonly seconds: number
}

/** State of the server, and its traffic since it was created. */
export interface Stats extends TrafficTotals {
  /** Peers by state; `pending`: handshakes and authentications in progress. */
  readonly peers: { readonly open: number, readonly closing: number, readonly pending: number }
  /** Number of rooms, including `main`. */
  readonly rooms: number
  /** Packets that went from one peer to another; one for many counts once per receiver. */
  readonly packetsRelayed: number
  /** Packets dropped. */
  readonly packetsDropped: number
  /** Whether clients can connect. */
  readonly listening: boolean
  /** Whether new connections are refused. */
  readonly refuseNewConnections: boolean
  /** In a cluster, the nodes whose sum this is. */
  readonly nodes?: string[]
  /** Ids of nodes that did not respond. */
  readonly unreachable?: string[]
  /** Whether any node did not respond. */
  readonly partial?: true
}

/** A sampled packet. */
export interface SampledPacket {
  /** Id of the sender. */
  readonly id: number
  /** Name of its room. */
  readonly room: string
  /** Its target in multiplayer mode: 0 all, id one, -id all but one. */
  readonly target?: number
  /** Whether it was a text message. */
  readonly isText: boolean
  /** Size of its payload in bytes. */
  readonly bytes: number
  /** First bytes of its payload in hexadecimal. */
  readonly hex: string
  /** Number of packets that it stands for. */
  readonly standsFor: number
}

/** A room that was closed. */
export interface RoomClosed {
  /** Name of the room. */
  readonly room: string
  /** Close code of its peers; null: it was empty. */
  readonly code: number | null
  /** Close reason of its peers. */
  readonly reason: string
  /** Seconds that it was open. */
  readonly seconds: number
}

/** The data of each event type; `eventTypes` has their meanings. */
export interface FeedData {
  client_connected: PeerJoined
  client_close_request: {
    readonly id: number,
    readonly room: string,
    readonly code: number,
    readonly reason: string
  }
  client_disconnected: PeerLeft
  peer_connected: PeerJoined
  peer_disconnected: PeerLeft
  peer_moved: { readonly id: number, readonly room: string, readonly from: string }
  room_opened: { readonly room: string, readonly failover?: boolean }
  room_closed: RoomClosed
  refused: { readonly reason: ErrorCode | 'wrong-token', readonly address: string, readonly count: number }
  limited: {
    readonly limit: LimitName,
    readonly option: string,
    readonly id?: number,
    readonly room?: string,
    readonly address?: string,
    readonly origin?: string,
    readonly status?: number,
    readonly reason?: string,
    readonly count: number
  }
  dropped: { readonly id: number, readonly room: string, readonly reason: DropReason, readonly count: number }
  listening: {
    readonly mode: string,
    readonly port: number,
    readonly tls: boolean,
    readonly protocols: readonly string[],
    readonly gdMpApi: boolean
  }
  stopped: Readonly<Record<never, never>>
  admin: AdminAction
  node_joined: { readonly node: string, readonly slot: number }
  node_left: { readonly node: string, readonly slot: number, readonly cause: 'left' | 'lost' }
  cluster_gap: { readonly from: string, readonly lost: number, readonly room?: string }
  unauthorized: { readonly status: number, readonly address: string, readonly count: number }
  packet: SampledPacket
  stats: Stats
}

/** Name of an event type; those about peers are named after Godot's signals. */
export type EventType = keyof FeedData

/** Every event type and its meaning. */
export const eventTypes: Readonly<Record<EventType, string>> = {
  client_connected: 'A client completed its handshake (plain mode)',
  client_close_request: 'A client began to close, by a close frame',
  client_disconnected: 'A client disconnected (plain mode)',
  peer_connected: 'A client completed its handshake (multiplayer mode)',
  peer_disconnected: 'A client disconnected (multiplayer mode)',
  peer_moved: 'A peer moved to another room',
  room_opened: 'A room was opened; `failover`: by another node of a cluster, after its home was lost',
  room_closed: 'A room was closed: with `code` and `reason`, or because it was empty',
  refused:
    'Handshakes were refused for a reason other than a limit, or requests to the REST API had a wrong token ' +
    '(`wrong-token`); at most once a second per reason',
  limited: 'A limit was hit; at most once a second per limit',
  dropped:
    'Packets were dropped; at most once a second per reason. Packets that nobody reads at a relay are not reported',
  listening: 'The server started to listen',
  stopped: 'The server stopped listening and all peers are disconnected',
  admin: 'An administrator changed something, or tried to',
  unauthorized:
    'Requests to the REST API without a valid token were rejected with 401 or 403; at most once a second per status. ' +
    'A change that the role of a token does not allow is an `admin` event with status 403',
  node_joined: 'A node joined the cluster',
  node_left: 'A node left the cluster: it announced that (`left`), or stopped responding (`lost`)',
  cluster_gap: 'Messages of the node `from` were lost on their way to this one',
  packet: 'A packet from a client, sampled; only when requested by name, never replayed',
  stats: 'State of the server, once a second; only when requested by name, never replayed'
}

/** Types that are only sent when requested by name, and not kept. */
export const transientTypes: ReadonlySet<EventType> = new Set(['packet', 'stats'])

/** Estimated memory of an event without its texts, in bytes. */
const BASE_SIZE = 300
/** Bytes for each character of data: of the data itself, and of the JSON made from it. */
const BYTES_PER_CHARACTER = 3

/** Where an event comes from. */
export interface Origin {
  /** Id of the node, in a cluster. */
  readonly node?: string | undefined
  readonly isRemote?: boolean
  /** Milliseconds since 1970; default: now. */
  readonly at?: number
}

/** One event. Its JSON is made when the first subscriber needs it, once for all of them. */
export class FeedEvent {
  readonly type: EventType
  readonly data: FeedData[EventType]
  /** Milliseconds since 1970. */
  readonly at: number
  /** Node that it happened on, in a cluster. */
  readonly node: string | undefined
  /** Whether it happened on this node. */
  readonly isLocal: boolean
  /** Its position in the feed, empty for an event that is not kept. */
  readonly id: string
  #text: string | undefined
  #size: number | undefined

  constructor (type: EventType, data: FeedData[EventType], id: string, origin: Origin = {}) {
    this.type = type
    this.data = data
    this.id = id
    this.at = origin.at ?? Date.now()
    this.node = origin.node
    this.isLocal = origin.isRemote !== true
  }

  /** The peer it is about, if any. */
  get peer (): number | undefined {
    return (this.data as { id?: number }).id
  }

  /** Whether it is about this room: about the room itself, or a peer in it. */
  isAbout (name: string): boolean {
    const { room, from } = this.data as { room?: string, from?: string }
    return room === name || from === name
  }

  /** The event as JSON, in one line. */
  get text (): string {
    this.#text ??= this.#toJson()
    return this.#text
  }

  #toJson (): string {
    const { type, node, data } = this
    const at = new Date(this.at).toISOString()
    return JSON.stringify({ type, at, ...(node === undefined ? {} : { node }), ...data })
  }

  /** Estimated memory in bytes. */
  get size (): number {
    this.#size ??= BASE_SIZE + BYTES_PER_CHARACTER * charactersOf(this.data)
    return this.#size
  }
}

/** Characters of all texts, and about as many for every other value. */
function charactersOf (value: unknown): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 8
  let sum = 0
  for (const [name, member] of Object.entries(value)) sum += name.length + charactersOf(member)
  return sum
}
