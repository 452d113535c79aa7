import type { ErrorCode } from '../error.ts'
import type { LimitName } from '../core/server/limits.ts'
import type { TrafficTotals } from './traffic.ts'
import type { EndCause, EndOutcome } from '../core/peer/peer-end.ts'
import type { DropReason } from '../core/server/monitor.ts'

/** Who has come. */
export interface Arrival { readonly id: number, readonly address: string, readonly port: number, readonly protocol: string }

/** Who has gone, and how: as PeerEnd, with what it sent and got and the seconds it was there. */
export interface Departure extends Arrival, TrafficTotals {
  readonly cause: EndCause
  readonly outcome: EndOutcome
  readonly wasCleanClose: boolean
  readonly code: number
  readonly reason: string
  readonly closeSeconds: number
  readonly seconds: number
}

/** What an administrator did, or was refused: which operation of the REST API, of whose token, with what, and the HTTP status of the answer. */
export interface AdminAct {
  readonly action: string
  readonly by: string | null
  readonly address: string
  /** The peer it was about. */
  readonly id?: number
  readonly parameters: Readonly<Record<string, unknown>>
  readonly status: number
}

/** How the server is right now: peers by state, totals since the server was made, what it is doing. */
export interface Stats extends TrafficTotals {
  readonly peers: { readonly open: number, readonly closing: number, readonly pending: number }
  readonly packetsRelayed: number
  readonly packetsDropped: number
  readonly listening: boolean
  readonly refuseNewConnections: boolean
}

/** One packet of a sample: its size, the payload's first bytes in hex, and for how many packets it stands; `target` in multiplayer mode. */
export interface SampledPacket {
  readonly id: number
  readonly target?: number
  readonly isText: boolean
  readonly bytes: number
  readonly hex: string
  readonly standsFor: number
}

/** What each type of event tells. */
export interface FeedData {
  client_connected: Arrival
  client_close_request: { readonly id: number, readonly code: number, readonly reason: string }
  client_disconnected: Departure
  peer_connected: Arrival
  peer_disconnected: Departure
  refused: { readonly reason: ErrorCode, readonly address: string, readonly count: number }
  limited: { readonly limit: LimitName, readonly option: string, readonly id?: number, readonly address?: string, readonly count: number }
  dropped: { readonly id: number, readonly reason: DropReason, readonly count: number }
  listening: { readonly mode: string, readonly port: number, readonly tls: boolean, readonly protocols: readonly string[], readonly gdMpApi: boolean }
  stopped: Readonly<Record<never, never>>
  admin: AdminAct
  packet: SampledPacket
  stats: Stats
}

/** The name of a type of event; those of peers are the names of Godot's signals. */
export type EventType = keyof FeedData

/** Every type of event, and what it means. */
export const eventTypes: Readonly<Record<EventType, string>> = {
  client_connected: 'A client finished its handshake (plain mode)',
  client_close_request: 'A client asked to close',
  client_disconnected: 'A client is gone (plain mode)',
  peer_connected: 'A client finished its handshake (multiplayer mode)',
  peer_disconnected: 'A client is gone (multiplayer mode)',
  refused: 'Handshakes were refused, but not because of a limit; once a second at most for each reason',
  limited: 'A limit was hit; once a second at most for each',
  dropped: 'Packets of peers went nowhere, but not for want of a reader; once a second at most for each reason',
  listening: 'The server has begun to listen',
  stopped: 'The server has stopped listening, and all peers are gone',
  admin: 'An administrator did something, or tried to',
  packet: 'A packet came from a client: a sample of them, only for who asks for it by name, and never replayed',
  stats: 'How the server is, once a second, only for who asks for it by name, and never replayed'
}

/** Types that are told only to who asks for them by name, and are not kept. */
export const passingTypes: ReadonlySet<EventType> = new Set(['packet', 'stats'])

/** One thing that happened. Its text is made when the first of its readers wants it, and once for all of them. */
export class FeedEvent {
  readonly type: EventType
  readonly data: FeedData[EventType]
  /** When, in milliseconds since 1970. */
  readonly at = Date.now()
  /** Its place in the feed, empty for what is not kept. */
  readonly id: string
  #text: string | undefined

  constructor (type: EventType, data: FeedData[EventType], id: string) {
    this.type = type
    this.data = data
    this.id = id
  }

  /** The peer it is about, if it is about one. */
  get peer (): number | undefined {
    return (this.data as { id?: number }).id
  }

  /** The event as JSON, in one line. */
  get text (): string {
    this.#text ??= JSON.stringify({ type: this.type, at: new Date(this.at).toISOString(), ...this.data })
    return this.#text
  }
}
