import type { Listener, TlsKeys } from '../../transport/listener.ts'
import { TcpListener } from '../../transport/tcp-listener.ts'
import { ClosingConnections } from '../admission/closing-connections.ts'
import { IncomingConnection } from '../admission/incoming-connection.ts'
import type { Monitor } from './monitor.ts'
import type { PeerRegistry } from './peer-registry.ts'
import type { Settings } from './settings.ts'

/** A listener of the server's own: reads upgrade requests from its connections and makes peers of them. */
export class OwnListener implements Listener {
  readonly #listener: TcpListener
  readonly #closing = new ClosingConnections()

  /** Throws ERR_INVALID_PARAMETER for unusable keys. */
  constructor (settings: Settings, registry: PeerRegistry, monitor: Monitor) {
    this.#listener = new TcpListener({
      keys: settings.options,
      onConnection: connection => { new IncomingConnection(registry, connection, this.#closing).begin() },
      onAcceptError: error => { monitor.limited('no-descriptor', { error }) }
    })
  }

  get port (): number {
    return this.#listener.port
  }

  get tls (): boolean {
    return this.#listener.tls
  }

  /** Binds to an address and port; throws ERR_ALREADY_IN_USE when they are not available. */
  async listen (bindIp: string, port: number): Promise<void> {
    await this.#listener.listen(bindIp, port)
  }

  setKeys (keys: TlsKeys): void {
    this.#listener.setKeys(keys)
  }

  async close (): Promise<void> {
    this.#closing.close()
    await this.#listener.close()
  }
}
