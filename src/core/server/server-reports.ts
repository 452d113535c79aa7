import type { ErrorCode } from '../../error.ts'
import type { ServerOptions } from '../../options.ts'
import { LimitBook } from './limits.ts'
import type { LimitName } from './limits.ts'
import type { Logger } from './logger.ts'
import type { RelayDrop } from '../room/relay.ts'
import type { PeerEnd } from '../peer/peer-end.ts'
import { noRpcDrops } from '../rpc/rpc-wire.ts'
import type { RpcDrop } from '../rpc/rpc-wire.ts'
import { ServerSettings } from './server-settings.ts'
import { SignalEmitter } from './signals.ts'
import type { SignalName, Signals } from './signals.ts'
import type { WebSocketPeer } from '../peer/websocket-peer.ts'

/** Why a packet went nowhere; `unread` is one for a server on which nobody reads, `not-admitted` one of a client that has to prove itself first. */
export type DropReason = RelayDrop | RpcDrop | 'unread' | 'not-admitted'

/** What is told beside Godot's signals, for metrics and operators. */
export interface Notices {
  /** A handshake was done, so many seconds after its first byte. */
  accepted: [seconds: number]
  joined: [peer: WebSocketPeer]
  close_requested: [peer: WebSocketPeer, code: number, reason: string]
  left: [peer: WebSocketPeer, end: PeerEnd]
  dropped: [reason: DropReason, peer: WebSocketPeer]
  /** A client was turned away. */
  refused: [reason: ErrorCode, address: string]
  /** A limit was hit, once for each time; `details` say by whom. */
  limited: [limit: LimitName, details: object]
  listening: []
  stopped: []
}

/** What a server tells: signals to the application, notices to operators, counts to whoever asks, and the log. */
export abstract class ServerReports extends ServerSettings {
  /** What is told beside Godot's signals. */
  readonly notices: SignalEmitter<Notices>
  /** Packets dropped since the start, by reason. */
  readonly drops: Record<DropReason, number> = { 'short-packet': 0, 'not-data': 0, 'spoofed-source': 0, 'unknown-target': 0, 'own-target': 0, 'too-big': 0, 'relay-off': 0, 'not-admitted': 0, unread: 0, ...noRpcDrops }
  /** How often a handler of a remote method or property threw or rejected. */
  failures = 0
  /** Where it writes what an operator may want to know. */
  readonly log: Logger
  protected readonly signals: SignalEmitter<Signals>
  readonly #limitBook: LimitBook

  constructor (options: Partial<ServerOptions>, journal: Logger) {
    super(options)
    this.log = journal
    const report = (err: unknown, signal: string): void => { journal.error({ err, signal }, 'a listener failed') }
    this.signals = new SignalEmitter(report)
    this.notices = new SignalEmitter(report)
    this.#limitBook = new LimitBook(journal)
  }

  /** Calls `listener` at each `signal`. */
  on<Name extends SignalName> (signal: Name, listener: (...args: Signals[Name]) => unknown): this {
    this.signals.on(signal, listener)
    return this
  }

  /** Calls `listener` at the next `signal`. */
  once<Name extends SignalName> (signal: Name, listener: (...args: Signals[Name]) => unknown): this {
    this.signals.once(signal, listener)
    return this
  }

  /** Takes a listener away. */
  off<Name extends SignalName> (signal: Name, listener: (...args: Signals[Name]) => unknown): this {
    this.signals.off(signal, listener)
    return this
  }

  /** How often each limit was hit since the start. */
  get limits (): Readonly<Record<LimitName, number>> {
    return this.#limitBook.counts
  }

  /** A limit was hit; `details` say by whom. */
  limited (limit: LimitName, details: object): void {
    this.#limitBook.hit(limit, details)
    this.notices.emit('limited', limit, details)
  }

  /** A client was turned away. */
  refusedHandshake (reason: ErrorCode, address: string): void {
    this.log.debug({ reason, address }, 'handshake refused')
    this.notices.emit('refused', reason, address)
  }

  /** A packet of a peer goes nowhere. */
  dropped (reason: DropReason, peer: WebSocketPeer): void {
    this.drops[reason]++
    this.log.debug({ peer: peer.id, reason }, 'packet dropped')
    this.notices.emit('dropped', reason, peer)
  }

  /** A remote call of a peer was not obeyed; `isFirst`: of this reason and peer. */
  refused (reason: RpcDrop, peer: WebSocketPeer, details: object, isFirst: boolean): void {
    if (isFirst) this.log.warn({ peer: peer.id, reason, ...details }, 'remote call refused')
    this.dropped(reason, peer)
  }

  /** What a handler of the application threw or rejected with. */
  failed (err: unknown, details: object): void {
    this.failures++
    this.log.error({ err, ...details }, 'a remote method failed')
  }
}
