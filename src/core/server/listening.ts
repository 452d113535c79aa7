import { GodotError } from '../../error.ts'
import type { ServerOptions } from '../../options/option-types.ts'
import { Heartbeat } from '../peer/ping/heartbeat.ts'
import type { TlsKeys, Listener, Mount } from '../../transport/listener.ts'
import type { Monitor } from './monitor.ts'
import { OwnListener } from './own-listener.ts'
import type { PeerRegistry } from './peer-registry.ts'
import type { Settings } from './settings.ts'

/** Starts and stops listening, one after the other. */
export class Listening {
  readonly #settings: Settings
  readonly #registry: PeerRegistry
  readonly #monitor: Monitor
  readonly #mount: Mount | undefined
  readonly #heartbeat: Heartbeat
  #listener: Listener | Mount | undefined
  #since = 0
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined

  constructor (settings: Settings, registry: PeerRegistry, monitor: Monitor, mount: Mount | undefined) {
    this.#settings = settings
    this.#registry = registry
    this.#monitor = monitor
    this.#mount = mount
    this.#heartbeat = new Heartbeat(() => registry.peers)
    if (this.mode === 'mounted') this.#checkNoKeys()
  }

  get isOn (): boolean {
    return this.#listener !== undefined
  }

  /** Whether it listens or is about to: then the settings that Godot locks while listening cannot be changed. */
  get isLocked (): boolean {
    return this.isOn || this.#starting !== undefined
  }

  /** The bound port, 0 while not listening. */
  get port (): number {
    return this.#listener?.port ?? 0
  }

  /** Whether it listens, or would listen, on the host app's endpoint or on its own port. */
  get mode (): 'mounted' | 'own' {
    const wouldMount = this.#mount !== undefined && this.#settings.options.port === undefined
    return (this.isOn ? this.#listener === this.#mount : wouldMount) ? 'mounted' : 'own'
  }

  /** Where clients connect: the whole path of the mounted endpoint, or option `path`. */
  get path (): string {
    const { path } = this.#settings.options
    return this.mode === 'mounted' ? this.#mount!.path ?? path : path
  }

  /** Whether clients connect with `wss://`. */
  get tls (): boolean {
    if (this.#listener !== undefined) return this.#listener.tls
    return this.mode === 'mounted' ? this.#mount!.tls : this.#settings.options.privateKey !== undefined
  }

  /** Seconds since it began to listen. */
  get uptime (): number {
    return this.isOn ? (performance.now() - this.#since) / 1000 : 0
  }

  /** ERR_ALREADY_IN_USE while listening or when the port is taken; a failure changes nothing. */
  async start (port: number | undefined, protocols: readonly string[], gdMpApi: boolean): Promise<void> {
    const changes = { protocols: trimmed(protocols), gdMpApi }
    this.#settings.check({ ...changes, ...(port === undefined ? {} : { port }) })
    if (this.isLocked) throw new GodotError('ERR_ALREADY_IN_USE', 'already listening')
    // Set before anything is awaited: a `stop` called right after this waits for it.
    this.#starting = this.#start(port, changes).finally(() => { this.#starting = undefined })
    await this.#starting
  }

  /** Closes every peer; resolves when all sockets are released, after `closeTimeout` at most. */
  async stop (code: number, reason: string): Promise<void> {
    if (this.#starting !== undefined) {
      // A start that waits for the previous stop joins only now.
      if (this.#stopping !== undefined) await this.#stopping
      // A node that is joining its cluster gives up.
      await this.#registry.cluster?.leave()
      // Its failure is reported to the caller of `start`.
      await this.#starting.catch(() => {})
    }
    if (this.isOn) this.#stopping ??= this.#stop(code, reason).finally(() => { this.#stopping = undefined })
    await this.#stopping
  }

  /** Replaces the keys of the TLS listener; ERR_UNCONFIGURED without one, ERR_INVALID_PARAMETER for unusable keys. */
  setKeys (keys: TlsKeys): void {
    const listener = this.#listener
    if (listener === undefined || !('setKeys' in listener) || !listener.tls) {
      throw new GodotError('ERR_UNCONFIGURED', 'setSecureContext needs a TLS listener of the server\'s own')
    }
    listener.setKeys(keys)
  }

  /** Option `pingInterval` has changed. */
  pingIntervalChanged (): void {
    if (this.isOn) this.#heartbeat.start(this.#settings.options.pingInterval)
  }

  async #start (port: number | undefined, changes: Pick<ServerOptions, 'protocols' | 'gdMpApi'>): Promise<void> {
    if (this.#stopping !== undefined) await this.#stopping
    const { protocols, gdMpApi } = this.#settings.options
    // Nodes of a cluster compare their options.
    this.#settings.change(changes)
    try {
      await this.#registry.cluster?.join()
      this.#listener = port === undefined ? this.#checkMount() : await this.#openListener(port)
    } catch (error) {
      this.#settings.change({ protocols, gdMpApi })
      await this.#registry.cluster?.leave()
      throw error
    }
    this.#heartbeat.start(this.#settings.options.pingInterval)
    this.#since = performance.now()
    this.#monitor.events.emit('listening')
  }

  async #stop (code: number, reason: string): Promise<void> {
    const listener = this.#listener
    this.#listener = undefined
    const closed = listener !== undefined && 'close' in listener ? listener.close() : undefined
    await this.#registry.stop(code, reason)
    await this.#registry.cluster?.leave()
    await closed
    this.#heartbeat.stop()
    this.#monitor.stopped()
  }

  #checkMount (): Mount {
    if (this.#mount === undefined) throw new GodotError('ERR_CANT_CREATE', 'no host app to mount on: pass a port')
    this.#checkNoKeys()
    return this.#mount
  }

  async #openListener (port: number): Promise<Listener> {
    const listener = new OwnListener(this.#settings, this.#registry, this.#monitor)
    await listener.listen(this.#settings.options.bindIp, port)
    return listener
  }

  #checkNoKeys (): void {
    const { privateKey, sslCertificate, caChain } = this.#settings.options
    if (privateKey === undefined && sslCertificate === undefined && caChain === undefined) return
    const advice =
      'the host app terminates TLS on the mounted endpoint; pass a port to listen on a TLS port of the server\'s own'
    throw new GodotError('ERR_INVALID_PARAMETER', `privateKey, sslCertificate, caChain: ${advice}`)
  }
}

/** Trims names; anything that is not a string is left to the check of options. */
function trimmed (names: readonly string[]): readonly string[] {
  return Array.isArray(names) ? names.map(name => typeof name === 'string' ? name.trim() : name) : names
}
