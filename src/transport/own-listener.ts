import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { SecureContext } from 'node:tls'
import { canonicalAddress } from '../address-range.ts'
import type { Keys, Listener } from '../core/peer/transport.ts'
import type { ServerInternals } from '../core/server/websocket-server.ts'
import { GodotError } from '../error.ts'
import { ClosingConnections } from './closing-connections.ts'
import { Incoming } from './incoming.ts'
import { checkNewKeys, secureContext } from './key-material.ts'
import { SocketConnection } from './socket-connection.ts'

const BACKLOG = 4096
const ANY = '*'
const NOTHING = new Uint8Array(0)

/** The listening handle, as net.Server keeps it. */
interface ListeningHandle { onconnection?: (error: number, handle: object | undefined) => void }

/** Opens a listener of the server on option `bindIp` and `port`; throws ERR_ALREADY_IN_USE when the port or address is not available. */
export async function openListener (server: ServerInternals, port: number): Promise<Listener> {
  const listener = new OwnListener(server)
  await listener.listen(server.settings.options.bindIp, port)
  return listener
}

/** A TCP port of the server's own, without an HTTP server: every connection is read here from its first byte. */
class OwnListener implements Listener {
  readonly #server: ServerInternals
  readonly #net: Server = createServer()
  readonly #closing = new ClosingConnections()
  #context: SecureContext | undefined

  constructor (server: ServerInternals) {
    this.#server = server
    this.#context = secureContext(server.settings.options)
  }

  get port (): number {
    return (this.#net.address() as AddressInfo).port
  }

  get tls (): boolean {
    return this.#context !== undefined
  }

  setKeys (keys: Keys): void {
    checkNewKeys(keys)
    this.#context = secureContext(keys)
  }

  async listen (bindIp: string, port: number): Promise<void> {
    await bind(this.#net, bindIp, port)
    this.#net.on('error', error => { this.#onAcceptError(error) })
    if (this.tls) this.#net.on('connection', socket => { this.#encrypt(socket) })
    else this.#takeHandles()
  }

  async close (): Promise<void> {
    this.#closing.close()
    await new Promise<void>(resolve => { this.#net.close(() => { resolve() }) })
  }

  /**
   * Puts each accepted handle into a socket that reads into the shared buffer, without an intermediate socket: a quarter of the cost of a
   * handshake. Node sets `onconnection` on the handle but does not document it; without it the sockets are taken over.
   */
  #takeHandles (): void {
    const { _handle: handle } = this.#net as unknown as { _handle?: ListeningHandle }
    if (typeof handle?.onconnection !== 'function') this.#net.on('connection', socket => { this.#receive(new SocketConnection(socket, NOTHING)) })
    else {
      handle.onconnection = (error, accepted) => {
        if (accepted === undefined) this.#onAcceptError(error)
        else this.#receive(SocketConnection.ofHandle(accepted))
      }
    }
  }

  #encrypt (socket: Socket): void {
    const { remoteAddress } = socket
    const secure = new TLSSocket(socket, { isServer: true, secureContext: this.#context })
    this.#receive(new SocketConnection(secure, NOTHING, canonicalAddress(remoteAddress ?? '')))
  }

  #receive (connection: SocketConnection): void {
    new Incoming(this.#server.registry, connection, this.#closing).begin()
  }

  /** Out of descriptors: the system has closed the connection. */
  #onAcceptError (error: unknown): void {
    this.#server.monitor.limited('no-descriptor', { error })
  }
}

/** Binds to one address, or with '*' to all of both families (dual stack), or of IPv4 where the machine has no IPv6. */
async function bind (net: Server, bindIp: string, port: number): Promise<void> {
  try {
    await listening(net, bindIp === ANY ? '::' : bindIp, port)
  } catch (error) {
    if (bindIp !== ANY || !lacksIPv6.has(codeOf(error))) throw refusal(error, bindIp, port)
    await listening(net, '0.0.0.0', port).catch((error: unknown) => { throw refusal(error, bindIp, port) })
  }
}

const lacksIPv6 = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL'])
const taken: Record<string, string> = { EADDRINUSE: 'the port is taken', EADDRNOTAVAIL: 'not an address of this machine' }

async function listening (net: Server, host: string, port: number): Promise<void> {
  net.listen({ host, port, backlog: BACKLOG })
  await once(net, 'listening')
}

/** Godot's error for a port or an address that cannot be had. */
function refusal (error: unknown, bindIp: string, port: number): GodotError {
  const why = taken[codeOf(error)]
  if (why === undefined) return new GodotError('ERR_CANT_CREATE', `port ${port} on ${bindIp}: ${(error as Error).message}`)
  return new GodotError('ERR_ALREADY_IN_USE', `port ${port} on ${bindIp}: ${why}`)
}

function codeOf (error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? ''
}
