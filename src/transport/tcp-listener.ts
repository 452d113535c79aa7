import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { SecureContext } from 'node:tls'
import { HandleConnection } from './handle-connection.ts'
import type { TlsKeys, Listener } from './listener.ts'
import { GodotError } from '../error.ts'
import { checkNewKeys, secureContext } from './key-material.ts'
import { SocketConnection } from './socket-connection.ts'

const BACKLOG = 4096
const ANY = '*'
const EMPTY = new Uint8Array(0)

/** The listening handle, as net.Server keeps it. */
interface ListeningHandle { onconnection?: (error: number, handle: object | undefined) => void }

/** A connection whose first receiver may leave bytes to the next one. */
export type AcceptedConnection = HandleConnection | SocketConnection

/** Keys and callbacks of a listener. */
export interface TcpListenerOptions {
  /** Keys of a TLS listener. */
  readonly keys: TlsKeys
  onConnection (connection: AcceptedConnection): void
  /** A connection could not be accepted, for example because the process has no file descriptors left. */
  onAcceptError (error: unknown): void
}

/** A TCP port without an HTTP server: connections deliver every byte. */
export class TcpListener implements Listener {
  readonly #options: TcpListenerOptions
  // The receiver of a connection ends it, after what it still has to send.
  readonly #net: Server = createServer({ allowHalfOpen: true })
  #context: SecureContext | undefined

  /** Throws ERR_INVALID_PARAMETER for unusable keys. */
  constructor (options: TcpListenerOptions) {
    this.#options = options
    this.#context = secureContext(options.keys)
  }

  get port (): number {
    return (this.#net.address() as AddressInfo).port
  }

  get tls (): boolean {
    return this.#context !== undefined
  }

  setKeys (keys: TlsKeys): void {
    checkNewKeys(keys)
    this.#context = secureContext(keys)
  }

  /**
   * Binds to an address, or to all with `*`; throws ERR_ALREADY_IN_USE when the port or the address is not available.
   */
  async listen (bindIp: string, port: number): Promise<void> {
    await bind(this.#net, bindIp, port)
    this.#net.on('error', error => { this.#options.onAcceptError(error) })
    if (this.tls) this.#net.on('connection', socket => { this.#encrypt(socket) })
    else this.#takeHandles()
  }

  async close (): Promise<void> {
    await new Promise<void>(resolve => { this.#net.close(() => { resolve() }) })
  }

  /**
   * Takes each accepted handle, without a socket of Node. `onconnection` is not documented; without it, the sockets are
   * taken over.
   */
  #takeHandles (): void {
    const { _handle: handle } = this.#net as unknown as { _handle?: ListeningHandle }
    if (typeof handle?.onconnection !== 'function' || !HandleConnection.suits(handle)) {
      this.#net.on('connection', socket => {
        this.#options.onConnection(new SocketConnection(socket, EMPTY))
      })
    } else {
      handle.onconnection = (error, accepted) => {
        if (accepted === undefined) this.#options.onAcceptError(error)
        else this.#options.onConnection(HandleConnection.ofHandle(accepted))
      }
    }
  }

  #encrypt (socket: Socket): void {
    const { remoteAddress } = socket
    const secure = new TLSSocket(socket, { isServer: true, secureContext: this.#context })
    // Once the handshake is complete, Node ignores records that cannot be decrypted, unless its own server listens.
    secure.on('_tlsError', () => { secure.destroy() })
    this.#options.onConnection(HandleConnection.ofSocket(secure, EMPTY, remoteAddress) ??
      new SocketConnection(secure, EMPTY, remoteAddress))
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
const taken: Record<string, string> = {
  EADDRINUSE: 'the port is taken',
  EADDRNOTAVAIL: 'not an address of this machine'
}

async function listening (net: Server, host: string, port: number): Promise<void> {
  net.listen({ host, port, backlog: BACKLOG })
  await once(net, 'listening')
}

/** Godot's error for a port or an address that is not available. */
function refusal (error: unknown, bindIp: string, port: number): GodotError {
  const why = taken[codeOf(error)]
  if (why === undefined) {
    return new GodotError('ERR_CANT_CREATE', `port ${port} on ${bindIp}: ${(error as Error).message}`)
  }
  return new GodotError('ERR_ALREADY_IN_USE', `port ${port} on ${bindIp}: ${why}`)
}

function codeOf (error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? ''
}
