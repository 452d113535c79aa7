import { GodotError } from '../../error.ts'
import { parseOptions } from '../../options.ts'
import type { ServerOptions } from '../../options.ts'
import { PacketPeer } from '../peer/packet-peer.ts'
import { powerOfTwo } from './power-of-two.ts'

const TRANSFER_MODE_RELIABLE = 2

/** The properties of a server: what it was made with, and what of that may be changed later. */
export abstract class ServerSettings extends PacketPeer {
  protected readonly options: ServerOptions

  constructor (options: Partial<ServerOptions>) {
    super()
    this.options = parseOptions(options)
  }

  /** Whether it listens or is about to, so that what Godot locks is locked. */
  protected abstract get isLocked (): boolean
  /** The time that a handshake may take has changed. */
  protected abstract timeoutChanged (): void
  /** The sizes of the buffers have changed. */
  protected abstract applyBuffers (): void

  /** The options as they apply now. */
  get currentOptions (): Readonly<ServerOptions> {
    return this.options
  }

  get protocols (): readonly string[] {
    return this.options.protocols
  }

  get gdMpApi (): boolean {
    return this.options.gdMpApi
  }

  /** Whose multiplayer protocol it speaks: `godot3` or `godot4`. */
  get wire (): ServerOptions['wire'] {
    return this.options.wire
  }

  /** Whether peers hear of each other, and may send to each other. */
  get serverRelay (): boolean {
    return this.options.serverRelay
  }

  /** URL path of the mounted endpoint. */
  get path (): string {
    return this.options.path
  }

  /** Whether it listens as soon as the host app is ready. */
  get autoListen (): boolean {
    return this.options.autoListen
  }

  /** Seconds a client may take until its handshake is done; over 0. */
  get handshakeTimeout (): number {
    return this.options.handshakeTimeout
  }

  set handshakeTimeout (seconds: number) {
    this.change({ handshakeTimeout: seconds })
    this.timeoutChanged()
  }

  /** Address that a listener of its own binds to, `*` for all; FAILED when set while listening, as the three below. */
  get bindIp (): string {
    return this.options.bindIp
  }

  set bindIp (address: string) {
    this.changeIdle({ bindIp: address })
  }

  /** Private key in PEM of a listener of its own that speaks TLS. */
  get privateKey (): string | undefined {
    return this.options.privateKey
  }

  set privateKey (pem: string | undefined) {
    this.changeIdle({ privateKey: pem })
  }

  /** Certificate in PEM of the private key. */
  get sslCertificate (): string | undefined {
    return this.options.sslCertificate
  }

  set sslCertificate (pem: string | undefined) {
    this.changeIdle({ sslCertificate: pem })
  }

  /** Certificates in PEM between that one and the root. */
  get caChain (): string | undefined {
    return this.options.caChain
  }

  set caChain (pem: string | undefined) {
    this.changeIdle({ caChain: pem })
  }

  /** Whether new connections are refused; peers already there stay. */
  get refuseNewConnections (): boolean {
    return this.options.refuseNewConnections
  }

  set refuseNewConnections (enable: boolean) {
    this.change({ refuseNewConnections: enable })
  }

  /** Always 2, reliable: WebSocket knows nothing else, so setting it has no effect, as in Godot. */
  get transferMode (): number {
    return TRANSFER_MODE_RELIABLE
  }

  set transferMode (_mode: number) {}

  /** Sizes of the buffers as they work: rounded up to powers of two. */
  get buffers (): { inputBufferKb: number, inputMaxPackets: number, outputBufferKb: number, outputMaxPackets: number } {
    const { inputBufferKb, inputMaxPackets, outputBufferKb, outputMaxPackets } = this.options
    return {
      inputBufferKb: powerOfTwo(inputBufferKb),
      inputMaxPackets: powerOfTwo(inputMaxPackets),
      outputBufferKb: powerOfTwo(outputBufferKb),
      outputMaxPackets: powerOfTwo(outputMaxPackets)
    }
  }

  /** Sizes per peer, in KiB and packets, each rounded up to a power of two; FAILED while listening. */
  setBuffers (inputBufferKb: number, inputMaxPackets: number, outputBufferKb: number, outputMaxPackets: number): void {
    this.changeIdle({ inputBufferKb, inputMaxPackets, outputBufferKb, outputMaxPackets })
    this.applyBuffers()
  }

  /** What clients are held to, as the options are. */
  get clientLimits () {
    const { maxPeers, maxPeersPerAddress, maxPendingHandshakes, maxPacketsPerSecond, maxBytesPerSecond, pingInterval } = this.options
    return { maxPeers, maxPeersPerAddress, maxPendingHandshakes, maxPacketsPerSecond, maxBytesPerSecond, pingInterval }
  }

  /** Changes options; ERR_INVALID_PARAMETER changes nothing. */
  protected change (options: Partial<ServerOptions>): void {
    Object.assign(this.options, options, parseOptions({ ...this.options, ...options }))
  }

  /** The same for options that Godot locks while listening: FAILED then. */
  protected changeIdle (options: Partial<ServerOptions>): void {
    if (this.isLocked) throw new GodotError('FAILED', `${Object.keys(options).join(', ')}: cannot be changed while listening`)
    this.change(options)
  }
}
