import type { ErrorCode } from '../../error.ts'
import type { ServerOptions } from '../../options/option-types.ts'
import type { Ban } from '../admission/bans.ts'
import type { PeerEnd } from '../peer/peer-end.ts'
import type { WebSocketPeer } from '../peer/websocket-peer.ts'
import type { Room } from '../room/room.ts'
import { BurstLog } from './log/burst-log.ts'
import { dropReasons } from './log/drop-reason.ts'
import type { DropReason, RpcDrop } from './log/drop-reason.ts'
import { limits } from './limits.ts'
import type { LimitDetails, LimitName } from './limits.ts'
import type { Logger } from '../../logger.ts'
import { withShortStrings } from './log/short-strings.ts'
import type { SignalSource } from './signal-source.ts'
import { namesOf, SignalEmitter } from './signals.ts'

/** Events for operators, beside Godot's signals: the arguments of each by its name. */
export interface MonitorEvents {
  /** A handshake was completed; `seconds`: time since its first byte. */
  accepted: [seconds: number]
  /** A client became a peer. */
  joined: [peer: WebSocketPeer]
  /** A client sent a close frame; 1005 stands for one without a code. */
  close_requested: [peer: WebSocketPeer, code: number, reason: string]
  /** A peer ended. */
  left: [peer: WebSocketPeer, end: PeerEnd]
  /** A peer moved from one room to another. */
  moved: [peer: WebSocketPeer, from: Room]
  /** A room was opened. */
  room_opened: [room: Room, failover: boolean]
  /** A room was closed, with this close code and reason; without them because it was empty. */
  room_closed: [room: Room, code: number | undefined, reason: string]
  /** Packets of a peer were dropped. */
  dropped: [reason: DropReason, peer: WebSocketPeer, count: number]
  /** A handshake was refused. */
  refused: [reason: ErrorCode, address: string]
  /** A limit was hit; `details` name the client. Emitted at every hit. */
  limited: [limit: LimitName, details: LimitDetails]
  /** An address or range was banned. */
  banned: [ban: Ban]
  /** The ban of an address or range was lifted. */
  unbanned: [ban: Ban]
  /** Options changed at run time; `rooms` has only the rules that did. */
  changed: [options: Partial<ServerOptions>]
  /** The server started to listen; a mounted one, at the start of its app, before that is bound to a port. */
  listening: []
  /** The app of a mounted server that listens already is bound to its port. */
  bound: []
  /** The server stopped, and all peers have ended. */
  stopped: []
}

const eventNames = namesOf<MonitorEvents>({
  accepted: true,
  joined: true,
  close_requested: true,
  left: true,
  moved: true,
  room_opened: true,
  room_closed: true,
  dropped: true,
  refused: true,
  limited: true,
  listening: true,
  bound: true,
  stopped: true,
  banned: true,
  unbanned: true,
  changed: true
})

/** Sees a message of a peer before it is handled: bytes[start..end), valid until the call returns. */
export type PacketWatcher =
  (peer: WebSocketPeer, bytes: Uint8Array, start: number, end: number, isText: boolean) => void

/** Counters since the server was created. */
export interface Counters {
  /** Packets dropped, by reason. */
  readonly drops: Readonly<Record<DropReason, number>>
  /** Hits of each limit. */
  readonly limits: Readonly<Record<LimitName, number>>
  /** Exceptions and rejections of remote methods. */
  readonly failures: number
  /** Exceptions and rejections of listeners of signals, and of these options. */
  readonly callbackFailures: Readonly<Record<'listener' | 'onHandshake' | 'authenticate', number>>
  /** Packets that went from one peer to another; one for many counts once per receiver. */
  readonly packetsRelayed: number
}

/** What applications and administration see of a Monitor. */
export interface ServerMonitor extends Counters {
  /** Events for operators. */
  readonly events: SignalSource<MonitorEvents>
  /**
   * Calls `watch` with every packet until the returned function is called; what it throws or rejects with is logged.
   * Costs nothing without watchers.
   */
  watchPackets (watch: PacketWatcher): () => void
}

const zeros = <Name extends string>(names: readonly Name[]) =>
  Object.fromEntries(names.map(name => [name, 0])) as Record<Name, number>

/** What operators see of a server: counters, events, packet samples, and the log records about them. */
export class Monitor implements ServerMonitor {
  readonly drops = zeros(Object.keys(dropReasons) as DropReason[])
  readonly limits = zeros(Object.keys(limits) as LimitName[])
  failures = 0
  readonly callbackFailures = { listener: 0, onHandshake: 0, authenticate: 0 }
  packetsRelayed = 0
  readonly events: SignalEmitter<MonitorEvents>
  /** Logs what clients or requests can repeat. */
  readonly bursts: BurstLog
  readonly #log: Logger
  readonly #watchers: SignalEmitter<{ watchPackets: Parameters<PacketWatcher> }>
  /** Whether packets have to be passed to `showPacket`. */
  isWatched = false

  constructor (log: Logger) {
    this.#log = log
    this.bursts = new BurstLog(log)
    const failed = (err: unknown, signal: string): void => { this.listenerFailed(err, signal) }
    this.events = new SignalEmitter(eventNames, failed)
    this.#watchers = new SignalEmitter(new Set(['watchPackets'] as const), failed)
  }

  watchPackets (watch: PacketWatcher): () => void {
    // A listener for each call, as the same function may watch twice.
    const listener: PacketWatcher = (...packet) => watch(...packet)
    this.#watchers.on('watchPackets', listener)
    this.isWatched = true
    return () => {
      this.#watchers.off('watchPackets', listener)
      this.isWatched = this.#watchers.listenerCount('watchPackets') > 0
    }
  }

  /** Gives a message of a peer to the watchers. */
  showPacket (...packet: Parameters<PacketWatcher>): void {
    this.#watchers.emit('watchPackets', ...packet)
  }

  /** A limit was hit; `details` name the client. */
  limited (limit: LimitName, details: LimitDetails): void {
    this.limits[limit]++
    this.bursts.log({ level: 'warn', key: { limit, option: limits[limit] }, message: 'limit hit' }, details)
    this.events.emit('limited', limit, details)
  }

  /** A handshake was refused. */
  refused (reason: ErrorCode, address: string): void {
    this.#log.debug({ reason, address }, 'handshake refused')
    this.events.emit('refused', reason, address)
  }

  /** Packets of a peer were dropped. */
  dropped (reason: DropReason, peer: WebSocketPeer, count = 1): void {
    this.drops[reason] += count
    this.#log.debug({ peer: peer.id, reason, count }, 'packets dropped')
    this.events.emit('dropped', reason, peer, count)
  }

  /** A packet of a peer that has left was dropped: it is counted, but has no event, as its peer no longer exists. */
  droppedLate (reason: DropReason, peer: number): void {
    this.drops[reason]++
    this.#log.debug({ peer, reason }, 'packet dropped after its peer left')
  }

  /** A remote call of a peer was refused. */
  callRefused (reason: RpcDrop, peer: WebSocketPeer, details: object): void {
    this.bursts.log({ level: 'warn', key: { reason }, message: 'remote call refused' }, {
      peer: peer.id,
      ...withShortStrings(details)
    })
    this.dropped(reason, peer)
  }

  /** A client probably runs the other version of Godot. */
  otherGodot (peer: WebSocketPeer, wire: ServerOptions['wire']): void {
    const [client, server] = wire === 'godot3' ? [4, 3] : [3, 4]
    this.bursts.log({
      level: 'warn',
      key: { wire },
      message: `a client of Godot ${client} at an endpoint for Godot ${server} (option wire)`
    }, { peer: peer.id, address: peer.getConnectedHost() })
  }

  /** A remote method or property of the application threw or rejected. `spawned`: what a client chose. */
  callFailed (
    err: unknown, { peer, spawned, ...key }: { readonly peer?: number, readonly spawned?: string }
  ): void {
    this.failures++
    const details = spawned === undefined ? { peer, err } : { peer, ...withShortStrings({ spawned }), err }
    this.bursts.log({ level: 'error', key, message: 'remote method failed' }, details)
  }

  /** The server has stopped, and all peers have ended. */
  stopped (): void {
    this.events.emit('stopped')
    this.bursts.end()
  }

  /** A listener of a signal threw or rejected. */
  listenerFailed (err: unknown, signal: string): void {
    this.callbackFailed('listener', err, {}, { signal })
  }

  /** A callback of the application threw or rejected; `details` name the client, `key` tells callbacks apart. */
  callbackFailed (
    callback: keyof Counters['callbackFailures'], err: unknown, details: object = {}, key: object = {}
  ): void {
    this.callbackFailures[callback]++
    this.bursts.log({ level: 'error', key, message: `${callback} failed` }, { err, ...withShortStrings(details) })
  }
}
