import { GodotError } from '../../error.ts'
import { parseOptions } from '../../options.ts'
import type { ServerOptions } from '../../options.ts'
import { checkClose } from '../../protocol/websocket/close-code.ts'
import { target } from '../../protocol/multiplayer/relay-packet.ts'
import { Heartbeat } from '../peer/heartbeat.ts'
import { silentLogger } from './logger.ts'
import type { Logger } from './logger.ts'
import { ServerPeers } from './server-peers.ts'
import type { Keys, Listener, Mount } from '../peer/transport.ts'

/** What the floors above give a server. */
export interface ServerParts {
  readonly log?: Logger
  /** The host's endpoint, for a server without a port of its own. */
  readonly mount?: Mount
  /** Draws a candidate for a peer id, 2 .. 2147483647; at random unless given. */
  readonly drawId?: () => number
  /** Opens a listener on a port for the server. */
  readonly openListener?: (server: WebSocketServer, port: number) => Promise<Listener>
}

/** Godot's NetworkedMultiplayerPeer.ConnectionStatus of a server. */
export const connectionStatus = { DISCONNECTED: 0, CONNECTED: 2 } as const

/** Peers that `stop` tells at once, and the pause until it tells more. */
const BATCH_SIZE = 1000
const BATCH_MILLISECONDS = 100

/**
 * Godot's WebSocketServer: listens, has peers, and in multiplayer mode is one peer among them (id 1). Its properties are in ServerSettings,
 * what it tells in ServerReports, where packets go in ServerPackets, who is there in ServerPeers; here it begins and ends.
 */
export class WebSocketServer extends ServerPeers {
  readonly #parts: ServerParts
  readonly #heartbeat = new Heartbeat(() => this.table)
  #listener: Listener | Mount | undefined
  #opening: Promise<void> | undefined
  #listeningSince = 0
  #stopping: Promise<void> | undefined

  constructor (options: Partial<ServerOptions> = {}, parts: ServerParts = {}) {
    super(options, parts.log ?? silentLogger, parts.drawId)
    this.#parts = parts
    if (this.mode === 'mounted') this.#checkKeysOfMount()
  }

  /**
   * Listens: with a port on a listener of its own, without on the host app's endpoint. Port, protocols and mode are the options' unless
   * given. ERR_ALREADY_IN_USE (22) while listening or when the port is taken; a failed listen changes nothing.
   */
  async listen (port: number | undefined = this.options.port, protocols: readonly string[] = this.options.protocols, gdMpApi: boolean = this.options.gdMpApi): Promise<void> {
    const options = parseOptions({ ...this.options, ...(port === undefined ? {} : { port }), protocols: protocols.map(name => name.trim()), gdMpApi })
    if (this.isLocked) throw new GodotError('ERR_ALREADY_IN_USE', 'already listening')
    // Known at once, before anything is awaited: a `stop` right behind has to wait for what is on its way.
    this.#opening = this.#open(port, options, this.#stopping).finally(() => { this.#opening = undefined })
    await this.#opening
  }

  /** Closes every peer with `code` and `reason`, cuts handshakes under way, and resolves when all sockets are released; `closeTimeout` at most. */
  async stop (code: number = this.options.stopCode, reason: string = ''): Promise<void> {
    checkClose(code, reason)
    // Whether that succeeds is the business of whoever listens.
    if (this.#opening !== undefined) await this.#opening.catch(() => {})
    if (this.isListening()) this.#stopping ??= this.#stop(code, reason).finally(() => { this.#stopping = undefined })
    await this.#stopping
  }

  isListening (): boolean {
    return this.#listener !== undefined
  }

  /** The bound port, 0 while there is none. */
  get port (): number {
    return this.#listener?.port ?? 0
  }

  /** Whether it listens, or would, on a port of its own or on the host app's endpoint. */
  get mode (): 'mounted' | 'own' {
    const { mount } = this.#parts
    const isMounted = this.isListening() ? this.#listener === mount : mount !== undefined && this.options.port === undefined
    return isMounted ? 'mounted' : 'own'
  }

  /** Whether clients need `wss://`: on a listener of its own those with keys, on the host app's endpoint it is the host's. */
  get tls (): boolean {
    return this.#listener?.tls ?? (this.mode === 'mounted' ? this.#parts.mount!.tls : this.privateKey !== undefined)
  }

  /** Replaces the keys of the listener while it listens: new connections get them, peers stay as they are. ERR_UNCONFIGURED unless it speaks TLS. */
  setSecureContext (keys: Keys): void {
    if (this.#listener === undefined || !('setKeys' in this.#listener) || !this.#listener.tls) throw new GodotError('ERR_UNCONFIGURED', 'no listener of its own that speaks TLS')
    this.#listener.setKeys(keys)
    const { privateKey, sslCertificate, caChain } = keys
    this.change({ privateKey, sslCertificate, caChain })
  }

  /** Seconds it has been listening. */
  get uptime (): number {
    return this.isListening() ? (Date.now() - this.#listeningSince) / 1000 : 0
  }

  /** 0 disconnected, 2 connected: listening. */
  getConnectionStatus (): number {
    return this.isListening() ? connectionStatus.CONNECTED : connectionStatus.DISCONNECTED
  }

  /** The server's own id. */
  getUniqueId (): number {
    return target.SERVER
  }

  /** Whether it polls by itself; while it stops it does, so that every peer is heard of. */
  get autoPoll (): boolean {
    return this.options.autoPoll || this.#stopping !== undefined
  }

  protected get isLocked (): boolean {
    return this.isListening() || this.#opening !== undefined
  }

  async #open (port: number | undefined, { protocols, gdMpApi }: ServerOptions, stopping: Promise<void> | undefined): Promise<void> {
    if (stopping !== undefined) await stopping
    this.#listener = port === undefined ? this.#mount() : await this.#openListener(port)
    Object.assign(this.options, { protocols, gdMpApi })
    this.updateFastPath()
    this.applyBuffers()
    this.#heartbeat.start(this.options.pingInterval)
    this.#listeningSince = Date.now()
    this.notices.emit('listening')
  }

  #mount (): Mount {
    if (this.#parts.mount === undefined) throw new GodotError('ERR_CANT_CREATE', 'no host app to listen on: give a port')
    this.#checkKeysOfMount()
    return this.#parts.mount
  }

  #checkKeysOfMount (): void {
    if (this.privateKey === undefined && this.sslCertificate === undefined && this.caChain === undefined) return
    throw new GodotError('ERR_INVALID_PARAMETER', 'privateKey, sslCertificate, caChain: the TLS of the mounted endpoint is the host app\'s; give a port for a listener of its own')
  }

  async #openListener (port: number): Promise<Listener> {
    if (this.#parts.openListener === undefined) throw new GodotError('ERR_CANT_CREATE', 'this server has no listener of its own')
    return await this.#parts.openListener(this, port)
  }

  async #stop (code: number, reason: string): Promise<void> {
    const listener = this.#listener
    this.#listener = undefined
    this.cutNewcomers()
    const closed = listener !== undefined && 'close' in listener ? listener.close() : undefined
    // From here on it polls by itself.
    await Promise.resolve()
    this.catchUp()
    const released = this.whenReleased()
    await this.#closeAll(code, reason)
    await released
    await closed
    this.#heartbeat.stop()
    this.notices.emit('stopped')
  }

  /** Tells the peers batch by batch, all of them within half of `closeTimeout`, so that the last one has time to answer too. */
  async #closeAll (code: number, reason: string): Promise<void> {
    const batches = Math.max(1, Math.floor(this.closeTimeout * 1000 / 2 / BATCH_MILLISECONDS))
    const size = Math.max(BATCH_SIZE, Math.ceil(this.peerCount / batches))
    let told = 0
    for (const peer of this.everyone()) {
      if (told > 0 && told % size === 0) await new Promise(resolve => setTimeout(resolve, BATCH_MILLISECONDS))
      peer.closeFor('stop', code, reason)
      told++
    }
  }
}
