import { GodotError } from '../../error.ts'
import { checkClose, closeCode } from '../../protocol/websocket/close-code.ts'
import { closePayload, DEFLATED, opcode } from '../../protocol/websocket/frame.ts'
import type { FrameReceiver } from '../../protocol/websocket/frame-reader.ts'
import type { VariantCodec } from '../../protocol/variant/variant-codec.ts'
import { deflate, DEFLATE_FROM } from './deflate.ts'
import { PeerOutbox } from './peer-outbox.ts'
import type { RoomOutbox } from '../room/room-outbox.ts'
import { PacketPeer } from './packet-peer.ts'
import type { PacketSender } from './packet-peer.ts'
import type { Packet, QueueLimits } from './packet-queue.ts'
import type { EndCause, EndOutcome, PeerEnd, PeerState } from './peer-end.ts'
import { PeerInput } from './peer-input.ts'
import type { InputRules } from './peer-input.ts'
import { RateLimit } from './rate-limit.ts'
import type { Rates } from './rate-limit.ts'
import type { Connection, ConnectionReceiver } from './transport.ts'

/** WebSocketPeer.WriteMode of Godot: what kind of message `putPacket` sends. */
export const writeMode = { TEXT: 0, BINARY: 1 } as const

/** The close frame that stands: who began, with what, and when (milliseconds). */
interface Closing { readonly cause: EndCause, readonly code: number, readonly reason: string, readonly since: number }

/** What a peer asks of its server. */
export interface PeerHost extends InputRules {
  readonly outbox: RoomOutbox
  readonly queueLimits: QueueLimits
  readonly closeTimeout: number
  /** The Variants of its version of Godot. */
  readonly variants: VariantCodec
  /** What a peer may send in a second; undefined: as much as it likes. */
  readonly rates: Rates | undefined
  /** The peer was over its rates and has to wait. */
  throttled (peer: WebSocketPeer, limit: RateLimit['hit']): void
  /** One whole message of an open peer; the bytes are good until the call returns. */
  receive (peer: WebSocketPeer, bytes: Uint8Array, start: number, end: number, isText: boolean): void
  /** The client asked to close. */
  closeRequested (peer: WebSocketPeer, code: number, reason: string): void
  /** What of the peer's packets still waits for room is queued all the same: it sends no more. */
  queueHeld (peer: WebSocketPeer): void
  /** A packet waits in the peer's own queue. */
  packetQueued (peer: WebSocketPeer): void
  /** The peer has become what it was not: its write mode. */
  writeModeChanged (peer: WebSocketPeer): void
  /** The peer is over; called once. */
  ended (peer: WebSocketPeer, end: PeerEnd): void
  /** The socket is released; called once, after `ended`. */
  released (peer: WebSocketPeer): void
  /** Calls `wake` soon, outside of the call under way: in the next turn, or in the next poll. */
  soon (wake: () => void): void
}

/** One client of the server (Godot's WebSocketPeer). */
export class WebSocketPeer extends PacketPeer implements FrameReceiver, ConnectionReceiver, PacketSender {
  /** The peer's id, 2 .. 2147483647. */
  readonly id: number
  /** The sub-protocol agreed on, '' for none. */
  readonly protocol: string
  /** When it connected, milliseconds since 1970. */
  readonly connectedAt = Date.now()
  /** What still has to be sent to it; the server's own business. */
  readonly outbox: PeerOutbox
  /** Packets and payload bytes that came from it. */
  packetsIn = 0
  bytesIn = 0
  /** What the application gave it when it joined (option onHandshake). */
  data: unknown
  readonly #host: PeerHost
  readonly #input: PeerInput
  #state: PeerState = 'open'
  #writeMode: number = writeMode.BINARY
  #wasString = false
  #isGone = false
  #cutOutcome: EndOutcome = 'reset'
  #closing: Closing | undefined
  #closeTimer: NodeJS.Timeout | undefined
  #end: PeerEnd | undefined
  readonly #isDeflated: boolean
  readonly #rateLimit: RateLimit | undefined
  #throttle: NodeJS.Timeout | undefined
  #onEnd: Array<(end: PeerEnd) => void> | undefined

  /** `isDeflated`: permessage-deflate was agreed on. */
  constructor (host: PeerHost, connection: Connection, id: number, protocol: string, isDeflated: boolean = false) {
    super()
    this.#host = host
    this.id = id
    this.protocol = protocol
    this.outbox = new PeerOutbox(connection, this)
    this.#input = new PeerInput(connection, this, host, isDeflated)
    this.#isDeflated = isDeflated
    this.#rateLimit = host.rates === undefined ? undefined : new RateLimit(host.rates)
  }

  /** Starts to read; the server calls it once the peer is known to it. */
  open (): void {
    this.outbox.connection.open(this)
  }

  get state (): PeerState {
    return this.#state
  }

  /** Whether packets go in and out. */
  get isOpen (): boolean {
    return this.#state === 'open'
  }

  /** Packets sent to it. */
  get packetsOut (): number {
    return this.outbox.packetsOut
  }

  /** Payload bytes sent to it. */
  get bytesOut (): number {
    return this.outbox.bytesOut
  }

  /** How it ended, undefined while it has not. */
  get end (): PeerEnd | undefined {
    return this.#end
  }

  /** Resolves when the peer has ended. */
  async ended (): Promise<PeerEnd> {
    if (this.#end !== undefined) return this.#end
    return await new Promise(resolve => { (this.#onEnd ??= []).push(resolve) })
  }

  /** True until the connection is over, also while it closes. */
  isConnectedToHost (): boolean {
    return this.#state !== 'ended'
  }

  /** Address of the client. */
  getConnectedHost (): string {
    return this.outbox.connection.address
  }

  /** Port of the client. */
  getConnectedPort (): number {
    return this.outbox.connection.port
  }

  /** Whether the packet taken last came as text; false before the first. */
  wasStringPacket (): boolean {
    return this.#wasString
  }

  /** 0 text, 1 binary. */
  getWriteMode (): number {
    return this.#writeMode
  }

  /** What `putPacket` sends from now on: 0 text, 1 binary. */
  setWriteMode (mode: number): void {
    if (mode !== writeMode.TEXT && mode !== writeMode.BINARY) throw new GodotError('ERR_INVALID_PARAMETER', `write mode ${String(mode)}: 0 text or 1 binary`)
    this.#writeMode = mode
    this.#host.writeModeChanged(this)
  }

  /** Turns Nagle's algorithm off (true, as it is at first) or on. */
  setNoDelay (enabled: boolean): void {
    this.outbox.connection.setNoDelay(enabled)
  }

  /** Bytes that wait to go out. */
  getCurrentOutboundBufferedAmount (): number {
    return this.outbox.bufferedAmount
  }

  /** Sends one message in the write mode: FAILED unless open, ERR_OUT_OF_MEMORY when the outbound buffer is full. */
  putPacket (bytes: Uint8Array): void {
    this.send(bytes, this.#writeMode === writeMode.TEXT)
  }

  /** Sends one message as text or binary, whatever the write mode; errors as `putPacket`. */
  send (bytes: Uint8Array, isText: boolean): void {
    if (this.#state !== 'open') throw new GodotError('FAILED')
    if (!this.#host.outbox.hasRoom(this.outbox, bytes.length)) throw new GodotError('ERR_OUT_OF_MEMORY')
    const code = isText ? opcode.TEXT : opcode.BINARY
    if (this.#isDeflated && bytes.length >= DEFLATE_FROM) this.#sendDeflated(code, bytes)
    else this.#host.outbox.send(this.outbox, code, bytes, 0, bytes.length)
  }

  override get variants (): VariantCodec {
    return this.#host.variants
  }

  /** Sends a close frame and waits for the answer, `closeTimeout` seconds at most. On a closing peer the first code stands. */
  close (code: number = closeCode.NORMAL, reason: string = ''): void {
    checkClose(code, reason)
    this.closeFor('server', code, reason)
  }

  /** The same with the cause it is to be reported with; code and reason have been checked. */
  closeFor (cause: EndCause, code: number, reason: string): void {
    if (this.#state !== 'open') return
    this.#beginClose({ cause, code, reason, since: performance.now() }, closePayload(code, reason))
    this.#closeTimer = setTimeout(() => { this.#cut('timeout') }, this.#host.closeTimeout * 1000)
    this.#input.readOn()
  }

  /** It does not take what it is sent: what waits is thrown away, and it is closed with 4008. */
  closeSlow (): void {
    if (this.#state !== 'open') return
    this.#host.outbox.remove(this.outbox)
    this.outbox.drop()
    this.closeFor('slow', closeCode.SLOW_PEER, 'slow peer')
  }

  /** Cuts the connection without a close frame. */
  cut (cause: EndCause): void {
    this.#closing ??= { cause, code: closeCode.ABNORMAL, reason: '', since: performance.now() }
    this.#cut('reset')
  }

  // ---- what the connection tells ----

  onData (bytes: Uint8Array, length: number): void {
    if (this.#state !== 'ended') this.#input.read(bytes, length)
  }

  onGone (): void {
    this.#isGone = true
    if (this.#state === 'ended') this.#released()
    else if (this.#host.autoPoll) this.#finishGone()
  }

  /** Reads what came since the last poll (only without autoPoll). */
  poll (): void {
    this.#input.poll()
    if (this.#isGone && this.#state !== 'ended') this.#finishGone()
  }

  // ---- what the frames tell ----

  onMessage (bytes: Uint8Array, start: number, end: number, isText: boolean): void {
    this.packetsIn++
    this.bytesIn += end - start
    if (this.#rateLimit !== undefined) this.#limit(this.#rateLimit, end - start)
    if (this.#state === 'open') this.#host.receive(this, bytes, start, end, isText)
  }

  onPing (bytes: Uint8Array, start: number, end: number): void {
    if (this.#state !== 'open') return
    if (this.#rateLimit !== undefined) this.#limit(this.#rateLimit, end - start)
    if (this.#host.outbox.hasRoom(this.outbox, end - start)) this.#host.outbox.sendControl(this.outbox, opcode.PONG, bytes, start, end)
    else this.closeSlow()
  }

  onClose (code: number, reason: string, payload: Uint8Array): void {
    if (this.#state === 'open') {
      this.#beginClose({ cause: 'client', code, reason, since: performance.now() }, payload)
      this.#host.closeRequested(this, code, reason)
    }
    this.#finish('clean')
  }

  onViolation (code: number, why: string): void {
    if (this.#state === 'open') this.#beginClose({ cause: 'protocol', code, reason: why, since: performance.now() }, closePayload(code, ''))
    this.#finish('reset')
  }

  // ---- queues ----

  /** Queues a message for `getPacket` (plain mode). */
  queue (packet: Packet): void {
    this.queuePacket(packet, this, this.#isGone)
  }

  pauseReading (): void {
    this.#input.pauseReading()
  }

  resumeReading (): void {
    this.#input.resumeReading()
  }

  /** Looks of the heartbeat since it was last heard. */
  get missedHeartbeats (): number {
    return this.#input.missedHeartbeats
  }

  set missedHeartbeats (looks: number) {
    this.#input.missedHeartbeats = looks
  }

  /** Asks for a sign of life. */
  ping (): void {
    this.#host.outbox.sendControl(this.outbox, opcode.PING, NOTHING, 0, 0)
  }

  /** Whether something of it waits unread, or we do not let it send. */
  get isPaused (): boolean {
    return this.#input.isPaused
  }

  /** Whether nothing more will come from it, so that its last packets are queued over the limits. */
  get isGone (): boolean {
    return this.#isGone
  }

  protected get queueLimits (): QueueLimits {
    return this.#host.queueLimits
  }

  protected get emptyError () {
    return this.#state === 'ended' ? 'FAILED' : 'ERR_UNAVAILABLE'
  }

  protected signalPacket (): void {
    this.#host.packetQueued(this)
  }

  protected soon (wake: () => void): void {
    this.#host.soon(wake)
  }

  protected override takePacket (): Packet {
    const packet = super.takePacket()
    this.#wasString = packet.isText
    return packet
  }

  #sendDeflated (code: number, bytes: Uint8Array): void {
    const compressed = deflate(bytes)
    this.outbox.count(bytes.length, 1)
    this.#host.outbox.sendControl(this.outbox, code | DEFLATED, compressed, 0, compressed.length)
  }

  /** A packet came: beyond the rates reading stands still for a while, and if that goes on for long the peer is closed. */
  #limit (rateLimit: RateLimit, size: number): void {
    const wait = rateLimit.take(size)
    if (wait === 0 || this.#state !== 'open') return
    this.#host.throttled(this, rateLimit.hit)
    if (rateLimit.isFlood) return this.closeFor('flood', closeCode.POLICY, 'rate limit')
    this.pauseReading()
    this.#throttle = setTimeout(() => { this.resumeReading() }, wait)
  }

  #beginClose (closing: Closing, payload: Uint8Array): void {
    this.#state = 'closing'
    this.#closing = closing
    this.#host.outbox.sendControl(this.outbox, opcode.CLOSE, payload, 0, payload.length)
    this.#host.outbox.remove(this.outbox)
  }

  /** Cuts the connection; without autoPoll the poll that finds it gone tells of it. */
  #cut (outcome: EndOutcome): void {
    this.#cutOutcome = outcome
    this.outbox.connection.destroy()
    if (this.#host.autoPoll) this.#finish(outcome)
  }

  /** The connection is over: what had come before is delivered first. */
  #finishGone (): void {
    this.#queueHeld()
    this.#input.drain()
    this.#finish(this.#cutOutcome)
    this.#released()
  }

  #queueHeld (): void {
    this.queueWaiting(this)
    this.#host.queueHeld(this)
  }

  #released (): void {
    clearTimeout(this.#closeTimer)
    this.#host.released(this)
  }

  #finish (outcome: EndOutcome): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    clearTimeout(this.#closeTimer)
    clearTimeout(this.#throttle)
    this.#input.end()
    this.#queueHeld()
    this.#host.outbox.remove(this.outbox)
    this.#release(outcome)
    const { cause, code, reason, since } = this.#closing ?? { cause: 'reset', code: closeCode.ABNORMAL, reason: '', since: performance.now() }
    this.#end = { cause, outcome, code, reason, seconds: (performance.now() - since) / 1000 }
    this.#host.ended(this, this.#end)
    for (const resolve of this.#onEnd ?? []) resolve(this.#end)
    this.#onEnd = undefined
  }

  /**
   * Lets the socket go: after both close frames it is cut as soon as the last byte is out (RFC 6455 section 7.1.1: the server closes
   * first), else it is ended and the client may still read why. One that does neither is cut after `closeTimeout`.
   */
  #release (outcome: EndOutcome): void {
    const { connection } = this.outbox
    if (this.#isGone || outcome === 'timeout') return connection.destroy()
    this.#closeTimer = setTimeout(() => { connection.destroy() }, this.#host.closeTimeout * 1000)
    this.outbox.whenWritten(() => {
      if (outcome === 'clean') connection.destroy()
      else connection.end()
    })
  }
}

const NOTHING = new Uint8Array(0)
