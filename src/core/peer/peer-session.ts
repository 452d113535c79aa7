import { GodotError } from '../../error.ts'
import { closeCode } from '../../protocol/websocket/close-code.ts'
import { isHandedOver } from '../../protocol/own-bytes.ts'
import { closePayload, DEFLATED, opcode } from '../../protocol/websocket/frame.ts'
import type { VariantCodec } from '../../protocol/variant/variant-codec.ts'
import type { PeerHandshake } from '../admission/peer-handshake.ts'
import { checkPacket } from '../check-packet.ts'
import type { Room } from '../room/room.ts'
import { deflate, DEFLATE_FROM } from './deflate.ts'
import type { Packet } from './packet-queue.ts'
import type { EndCause, EndOutcome, PeerEnd, PeerState } from './peer-end.ts'
import type { PeerSessionHost, PeerServer } from './peer-session-host.ts'
import { PeerInbox } from './peer-inbox.ts'
import { PeerInput } from './peer-input.ts'
import type { InputReceiver } from './peer-input.ts'
import { pauseReason } from './pause-reason.ts'
import type { PauseReason } from './pause-reason.ts'
import { PeerOutbox } from './peer-outbox.ts'
import type { PeerOutboxHost } from './peer-outbox.ts'
import { LastWords } from './ping/last-words.ts'
import { PeerThrottle } from './rate/peer-throttle.ts'
import type { ThrottledPeer } from './rate/peer-throttle.ts'
import type { RateLimit } from './rate/rate-limit.ts'
import type { Connection, ConnectionReceiver } from '../../transport/connection.ts'
import { WebSocketPeer } from './websocket-peer.ts'
import type { PeerBackend } from './websocket-peer.ts'
import { writeMode } from './write-mode.ts'

/** How closing began: who started it, code and reason, and when (milliseconds, monotonic). */
interface Closing { readonly cause: EndCause, readonly code: number, readonly reason: string, readonly since: number }

const EMPTY = new Uint8Array(0)
/** Causes of closing a peer that did nothing wrong. */
const ORDERLY: ReadonlySet<EndCause> = new Set(['server', 'room', 'stop'])

/**
 * The connection of one peer, from the handshake until its socket is closed:
 *
 *   open -> closing -> ended -> released
 *
 * `closing` is skipped when the connection breaks. What applications see of it is `peer`.
 */
export class PeerSession implements PeerBackend, InputReceiver, ConnectionReceiver, ThrottledPeer, PeerOutboxHost {
  readonly id: number
  /** Index in the roster of peers with an open socket. */
  rosterIndex: number | undefined
  /** Negotiated subprotocol, '' if none. */
  readonly protocol: string
  /** When it connected, in milliseconds since 1970. */
  readonly connectedAt = Date.now()
  /** The same on the monotonic clock of `performance.now()`. */
  readonly #since = performance.now()
  readonly outbox: PeerOutbox
  /** Packets and payload bytes received. */
  packetsIn = 0
  bytesIn = 0
  /** Application data (option onHandshake). */
  data: unknown
  /** Id of the trace that its handshake belongs to, if there is one. */
  traceId: string | undefined
  /** Its upgrade request as JSON of a `PeerHandshake`; undefined for a peer without handshake. */
  handshakeJson: string | undefined
  /** Until it is signalled: `joining` when it is new to the server, `moving` when it comes from another room. */
  stage: 'joining' | 'moving' | 'settled' = 'joining'
  readonly #server: PeerServer
  #host: PeerSessionHost
  readonly #windowBits: number
  readonly #throttle: PeerThrottle
  #state: PeerState | 'released' = 'open'
  /** Whether the socket is closed. */
  #isGone = false
  /** Whether the client has ended the connection, or does in what is still to be read; the next poll then ends it. */
  #isLeaving = false
  /** Without autoPoll: what ends the session in the poll after its last packets, so that they can be answered. */
  #ending: (() => void) | undefined
  #writeMode: number = writeMode.BINARY
  #closing: Closing | undefined
  /** While the close frame waits for the client to read what was sent before. */
  #lastWords: LastWords | undefined
  /** How a connection that we destroy is reported. */
  #outcome: EndOutcome = 'reset'
  #closeTimer: NodeJS.Timeout | undefined
  #end: PeerEnd | undefined
  #onEnd: Array<(end: PeerEnd) => void> | undefined
  /** Created when the first packet is queued: in multiplayer mode packets go to the room's queue. */
  #inbox: PeerInbox | undefined
  #peer: WebSocketPeer | undefined
  readonly #input: PeerInput

  /** `windowBits`: of what is compressed for the client (RFC 7692), 9 to 15; 0 without permessage-deflate. */
  constructor (
    server: PeerServer, host: PeerSessionHost, connection: Connection, id: number, protocol: string,
    windowBits: number = 0
  ) {
    this.id = id
    this.protocol = protocol
    this.#server = server
    this.#host = host
    this.#windowBits = windowBits
    this.#throttle = new PeerThrottle(this, server.settings.rates)
    this.outbox = new PeerOutbox(connection, this)
    this.#input = new PeerInput(connection, this, server, windowBits > 0)
  }

  /** Applies the rate limits that the server has now; a pause for the previous ones ends. */
  applyRateLimits (): void {
    const wasPaused = this.#throttle.setRates(this.#server.settings.rates)
    if (wasPaused) this.#server.defer(() => { this.resumeReading(pauseReason.RATE) })
  }

  /** Starts reading; the server calls it once it has registered the session. */
  open (): void {
    this.outbox.connection.open(this)
  }

  /** What applications see of the session; always the same object. */
  get peer (): WebSocketPeer {
    this.#peer ??= new WebSocketPeer(this)
    return this.#peer
  }

  /** Seconds since it connected. */
  get age (): number {
    return (performance.now() - this.#since) / 1000
  }

  get address (): string {
    return this.outbox.connection.address
  }

  get port (): number {
    return this.outbox.connection.port
  }

  get state (): PeerState {
    return this.#state === 'released' ? 'ended' : this.#state
  }

  get handshake (): PeerHandshake | undefined {
    return this.handshakeJson === undefined ? undefined : JSON.parse(this.handshakeJson) as PeerHandshake
  }

  /** Whether packets can be sent and received. */
  get isOpen (): boolean {
    return this.#state === 'open'
  }

  /** Whether reading is paused, or (without autoPoll) a poll is due. */
  get isPaused (): boolean {
    return this.#input.isPaused
  }

  /** Whether no more packets will come: the last ones are queued regardless of the limits. */
  get isLeaving (): boolean {
    return this.#isLeaving
  }

  get end (): PeerEnd | undefined {
    return this.#end
  }

  /** Resolves when the session has ended. */
  async ended (): Promise<PeerEnd> {
    if (this.#end !== undefined) return this.#end
    return await new Promise(resolve => { (this.#onEnd ??= []).push(resolve) })
  }

  // ---- room ----

  /** The room that handles what it sends. */
  get host (): PeerSessionHost {
    return this.#host
  }

  get room (): Room {
    return this.#host.room
  }

  get roomName (): string {
    return this.#host.name
  }

  moveTo (room: Room): void {
    this.#host.move(this, room)
  }

  /** The peer is in this room from now on. */
  setHost (host: PeerSessionHost): void {
    this.#host = host
  }

  // ---- sending ----

  get variants (): VariantCodec {
    return this.#server.settings.wire.variants
  }

  get writeMode (): number {
    return this.#writeMode
  }

  setWriteMode (mode: number): void {
    this.#writeMode = mode
    this.#host.writeModeChanged(this)
  }

  /**
   * Sends one message; throws FAILED unless open, ERR_OUT_OF_MEMORY when the output buffer is full,
   * ERR_INVALID_PARAMETER for anything but bytes.
   */
  send (bytes: Uint8Array, isText: boolean): void {
    if (this.#state !== 'open') throw new GodotError('FAILED')
    const { outbox } = this.#host
    checkPacket(bytes, this.#server.settings.maxPacketSize)
    if (!outbox.hasSpace(this.outbox, bytes.length)) throw new GodotError('ERR_OUT_OF_MEMORY')
    const code = isText ? opcode.TEXT : opcode.BINARY
    if (this.#windowBits > 0 && bytes.length >= DEFLATE_FROM) this.#sendDeflated(code, bytes)
    else if (isHandedOver(bytes)) this.#host.outbox.sendOwn(this.outbox, code, bytes)
    else this.#host.outbox.send(this.outbox, code, bytes, 0, bytes.length)
  }

  #sendDeflated (code: number, bytes: Uint8Array): void {
    const compressed = deflate(bytes, this.#windowBits)
    this.outbox.count(bytes.length, 1)
    this.#host.outbox.sendControl(this.outbox, code | DEFLATED, compressed, 0, compressed.length)
  }

  /** Sends a ping frame. */
  ping (): void {
    this.#sendControl(opcode.PING, EMPTY)
  }

  // ---- unread packets ----

  /** Number of packets in the peer's own queue. */
  get unreadPackets (): number {
    return this.#inbox?.length ?? 0
  }

  /** The same for an application, which is expected to read them. */
  countUnread (): number {
    this.#host.noteReader()
    return this.unreadPackets
  }

  /** Adds a packet to the peer's own queue (plain mode). */
  queue (packet: Packet): void {
    this.#inbox ??= new PeerInbox(this.#server, this)
    this.#inbox.add(packet)
  }

  /** Removes and returns the oldest packet; throws ERR_UNAVAILABLE when there is none, FAILED on an ended peer. */
  takePacket (): Packet {
    this.#host.noteReader()
    const packet = this.#inbox?.take()
    if (packet === undefined) throw new GodotError(this.state === 'ended' ? 'FAILED' : 'ERR_UNAVAILABLE')
    return packet
  }

  /** Whether the packet taken last was a text message. */
  get wasStringPacket (): boolean {
    return this.#inbox?.wasStringPacket ?? false
  }

  // ---- reading ----

  onData (bytes: Uint8Array, length: number): void {
    if (this.#host.outbox.isCongested && this.#state === 'open') this.#host.outbox.pauseSender(this)
    if (this.#state === 'open' || this.#state === 'closing') this.#input.read(bytes, length)
  }

  onClientEnd (): void {
    if (this.state !== 'ended') this.#leave()
  }

  onGone (): void {
    this.#isGone = true
    if (this.#state === 'ended') this.#released()
    else this.#leave()
  }

  onEndAhead (): void {
    if (this.#state !== 'open') return
    this.#isLeaving = true
    this.#queueWaiting()
    this.#input.drain()
  }

  /** Without autoPoll: reads what has arrived since the last poll. */
  poll (): void {
    if (this.#host.outbox.isCongested && this.#state === 'open') this.#host.outbox.pauseSender(this)
    const ending = this.#ending
    this.#ending = undefined
    if (ending !== undefined) return ending()
    this.#input.poll()
    if (this.#isLeaving && this.state !== 'ended' && this.#ending === undefined) this.#finishLeft()
  }

  /** Without autoPoll, unread packets can still be answered until the next poll. */
  #endWith (ending: () => void): void {
    if (!this.#server.autoPoll && this.#host.isReadAfterPoll(this)) this.#ending = ending
    else ending()
  }

  pauseReading (reason: PauseReason): void {
    this.#input.pauseReading(reason)
  }

  /** `reasons`: one or several, as bits. */
  resumeReading (reasons: number): void {
    this.#input.resumeReading(reasons)
  }

  /** Heartbeat checks since the last data from the client. */
  get missedHeartbeats (): number {
    return this.#input.missedHeartbeats
  }

  set missedHeartbeats (count: number) {
    this.#input.missedHeartbeats = count
  }

  onMessage (bytes: Uint8Array, start: number, end: number, isText: boolean): void {
    this.packetsIn++
    this.bytesIn += end - start
    if (this.#state !== 'open') return
    if (!this.#throttle.mayPass(end - start)) return
    this.#host.receive(this, bytes, start, end, isText)
    if (this.#host.outbox.isCongested) this.#host.outbox.pauseSender(this)
  }

  onPing (bytes: Uint8Array, start: number, end: number): void {
    if (this.#state !== 'open') return
    if (!this.#throttle.mayPass(end - start)) return
    const { outbox } = this.#host
    if (outbox.hasSpace(this.outbox, end - start)) outbox.sendControl(this.outbox, opcode.PONG, bytes, start, end)
    else this.closeSlow()
  }

  onPong (bytes: Uint8Array, start: number, end: number): void {
    if (this.#state === 'open') this.#throttle.mayPass(end - start)
    this.#lastWords?.received(bytes, start, end)
  }

  onFragment (): void {
    if (this.#state === 'open') this.#throttle.mayPass(0)
  }

  onClose (code: number, reason: string, payload: Uint8Array): void {
    this.#endWith(() => { this.#closeReceived(code, reason, payload) })
  }

  #closeReceived (code: number, reason: string, payload: Uint8Array): void {
    if (this.#state === 'open') {
      this.#beginClose('client', code, reason, payload)
      this.#host.closeRequested(this, code, reason)
    }
    this.#lastWords?.end()
    this.#finish('clean')
  }

  onViolation (code: number, reason: string): void {
    if (this.#state === 'open') this.#beginClose('protocol', code, reason, closePayload(code, ''))
    this.#lastWords?.end()
    this.#finish('reset')
  }

  overRate (limit: RateLimit['exceeded'], isFlood: boolean): void {
    this.#host.throttled(this, limit)
    if (isFlood) this.close('flood', closeCode.POLICY, 'rate limit')
  }

  // ---- closing ----

  /**
   * Sends a close frame, with option `lastWords` once the client has read what was sent before, and waits for the
   * answer; code and reason have been checked. Does nothing unless open.
   */
  close (cause: EndCause, code: number, reason: string): void {
    if (this.#state !== 'open') return
    this.#beginClose(cause, code, reason, closePayload(code, reason))
    this.#closeTimer = setTimeout(() => {
      // On a busy machine the answer may have arrived in time: it is read first.
      setImmediate(() => { if (this.#state === 'closing') this.#destroy('timeout') })
    }, this.#server.settings.options.closeTimeout * 1000)
    // Not now: what is read may end the peer, and the caller may be in the middle of something.
    this.#server.defer(() => { this.#input.readOn() })
  }

  /** The peer does not read what it is sent: discards what is waiting and closes with 4008. */
  closeSlow (): void {
    if (this.#state !== 'open') return
    this.#host.outbox.detach(this.outbox)
    this.outbox.drop()
    this.close('slow', closeCode.SLOW_PEER, 'slow peer')
  }

  /** Destroys the connection without a close frame. */
  destroy (cause: EndCause): void {
    this.#closing ??= { cause, code: closeCode.ABNORMAL, reason: '', since: performance.now() }
    this.#destroy('reset')
  }

  /** The server stops, and its time is over: destroys the connection. */
  cut (): void {
    if (this.#state === 'closing') this.#destroy('timeout')
    else this.outbox.destroy()
  }

  #beginClose (cause: EndCause, code: number, reason: string, payload: Uint8Array): void {
    this.#state = 'closing'
    this.#closing = { cause, code, reason, since: performance.now() }
    const { closeTimeout, lastWords } = this.#server.settings.options
    if (lastWords && ORDERLY.has(cause) && this.outbox.packetsOut > 0) {
      this.#lastWords = new LastWords(closeTimeout / 2, () => { this.#sendControl(opcode.CLOSE, payload) })
      this.#sendControl(opcode.PING, this.#lastWords.ping)
    } else this.#sendControl(opcode.CLOSE, payload)
    this.#host.outbox.detach(this.outbox)
  }

  #sendControl (code: number, payload: Uint8Array): void {
    this.#host.outbox.sendControl(this.outbox, code, payload, 0, payload.length)
  }

  /** Without autoPoll the next poll ends the session. */
  #destroy (outcome: EndOutcome): void {
    this.#outcome = outcome
    this.outbox.destroy()
    if (this.#server.autoPoll) this.#finish(outcome)
  }

  /** The client has ended its direction, or the socket is closed; without autoPoll the next poll ends the session. */
  #leave (): void {
    this.#isLeaving = true
    if (this.#server.autoPoll) this.#finishLeft()
  }

  /** Delivers what was received before, then ends. What was sent before is still written if the client reads. */
  #finishLeft (): void {
    this.#queueWaiting()
    this.#input.drain()
    if (this.#ending === undefined) this.#endWith(() => { this.#finish(this.#outcome) })
  }

  #queueWaiting (): void {
    this.#inbox?.senderEnded()
    this.#host.senderEnded(this)
  }

  #released (): void {
    this.#state = 'released'
    clearTimeout(this.#closeTimer)
    this.#host.released(this)
  }

  #finish (outcome: EndOutcome): void {
    if (this.state === 'ended') return
    this.#state = 'ended'
    clearTimeout(this.#closeTimer)
    this.#throttle.end()
    this.#inbox?.end()
    this.#lastWords?.cancel()
    this.#input.end()
    this.#queueWaiting()
    const { dropped } = this.#throttle
    if (dropped > 0) this.#host.dropped(this, 'over-rate', dropped)
    this.#host.outbox.detach(this.outbox)
    this.#closeSocket(outcome)
    this.#end = endOf(this.#closing, outcome)
    this.#host.ended(this, this.#end)
    for (const resolve of this.#onEnd ?? []) resolve(this.#end)
    this.#onEnd = undefined
    if (this.#isGone) this.#released()
  }

  /**
   * After both close frames the socket is destroyed as soon as the last byte is sent (RFC 6455 section 7.1.1: the
   * server closes first); otherwise it is ended, so that the client can still read the close frame. It is destroyed
   * after `closeTimeout` in either case.
   */
  #closeSocket (outcome: EndOutcome): void {
    const { connection } = this.outbox
    if (this.#isGone || outcome === 'timeout') return connection.destroy()
    this.outbox.whenWritten(() => {
      if (outcome === 'clean') connection.destroy()
      else connection.end()
    })
    // Without a backlog it is destroyed already.
    if (outcome === 'clean' && !this.outbox.isBlocked) return
    this.#closeTimer = setTimeout(() => { connection.destroy() }, this.#server.settings.options.closeTimeout * 1000)
  }
}

/** Without a close frame the end is an abnormal closure (RFC 6455 section 7.1.5). */
function endOf (closing: Closing | undefined, outcome: EndOutcome): PeerEnd {
  if (closing === undefined) return { cause: 'reset', outcome, code: closeCode.ABNORMAL, reason: '', seconds: 0 }
  const { cause, code, reason, since } = closing
  return { cause, outcome, code, reason, seconds: (performance.now() - since) / 1000 }
}
