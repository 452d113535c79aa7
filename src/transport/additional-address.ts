import dns from 'node:dns'
import { once } from 'node:events'
import type { Server as HttpServer } from 'node:http'
import { createServer } from 'node:net'
import type { Server } from 'node:net'
import { promisify } from 'node:util'

/** The addresses of `localhost`, 127.0.0.1 or ::1 or both, as the system orders them; any other host is itself. */
export async function addressesOf (host: string): Promise<string[]> {
  if (host !== 'localhost') return [host]
  const found = await promisify(dns.lookup)(host, { all: true })
  return [...new Set(found.map(({ address }) => address))]
}

/**
 * Another address of an HTTP server, which handles its connections like those of its own address. Fastify would create
 * a second HTTP server, to which no listener, limit or timeout of the first applies.
 */
export class AdditionalAddress {
  readonly #net: Server

  constructor (server: HttpServer) {
    // An HTTP server accepts connections with these options.
    this.#net = createServer({ allowHalfOpen: true, noDelay: true }, socket => { server.emit('connection', socket) })
  }

  /** Rejects if the address is not available. */
  async listen (host: string, port: number): Promise<void> {
    this.#net.listen({ host, port })
    await once(this.#net, 'listening')
  }

  /** Accepts no more connections; resolves when all are closed. */
  async close (): Promise<void> {
    await new Promise<void>(resolve => { this.#net.close(() => { resolve() }) })
  }
}
