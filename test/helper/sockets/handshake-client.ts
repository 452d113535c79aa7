import type { Handshake, HandshakeTransport } from '../../../src/core/admission/handshake.ts'
import type { UpgradeRequest } from '../../../src/core/admission/upgrade-request.ts'
import type { Connection } from '../../../src/transport/connection.ts'
import { internalsOf } from '../../../src/core/server/internals.ts'
import type { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import type { GodotError } from '../../../src/error.ts'
import { MemoryConnection } from '../memory/memory-connection.ts'

/** The headers of a valid upgrade request. */
export const upgradeHeaders = {
  upgrade: 'websocket',
  connection: 'Upgrade',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ=='
}

/** A client in its handshake, without a socket. */
export class HandshakeClient implements HandshakeTransport {
  readonly connection: MemoryConnection
  readonly handshake: Handshake
  /** Refusals, in order; more than one is an error. */
  readonly refusals: GodotError[] = []
  isDestroyed = false
  readonly #staysAfterRefusal: boolean

  /** `staysAfterRefusal`: the client does not close its connection when it is refused. */
  constructor (server: WebSocketServer, address = '192.0.2.7', { staysAfterRefusal = false } = {}) {
    this.connection = new MemoryConnection(address, 50000)
    this.handshake = internalsOf(server).registry.handshake(this)
    this.#staysAfterRefusal = staysAfterRefusal
  }

  /** Error code of the refusal. */
  get refusal (): string | undefined {
    return this.refusals[0]?.code
  }

  /** Sends an upgrade request. */
  request (request: Partial<UpgradeRequest> = {}): this {
    const { headers, ...others } = request
    const { address, port } = this.connection
    this.handshake.process({
      headers: {
        ...upgradeHeaders,
        ...headers
      },
      url: '/',
      host: 'game.example',
      address,
      port,
      ...others
    })
    return this
  }

  /** Closes the connection. */
  leave (): void {
    this.handshake.close()
    this.connection.disconnect()
  }

  /** The headers of the 101 response. */
  head (): Record<string, string> {
    const lines = this.connection.take().toString('latin1').split('\r\n\r\n', 1)[0].split('\r\n').slice(1)
    return Object.fromEntries(lines.map(line => line.toLowerCase().split(': ', 2)))
  }

  takeConnection (): Connection {
    return this.connection
  }

  refuse (error: GodotError): void {
    this.refusals.push(error)
    if (!this.#staysAfterRefusal) this.handshake.close()
  }

  destroy (): void {
    this.isDestroyed = true
    this.handshake.close()
  }
}
