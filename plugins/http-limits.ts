import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { networkOf } from '../src/address-range.ts'
import { Deadlines } from '../src/core/admission/deadlines.ts'
import { Bursts } from '../src/core/server/burst.ts'

/** Limits on what clients may take of the HTTP server. WebSocket connections count only until they are upgraded. */
export interface HttpLimits {
  /** Pipelined requests of one connection that are answered at the same time; more end the connection. */
  readonly maxRequestsInFlight: number
  /** Seconds a client may take to read a response. Event streams have limits of their own. */
  readonly responseTimeout: number
  /** Connections of one address (IPv6: of one /64); 0: no limit. More are answered with 429. */
  readonly maxConnectionsPerAddress: number
  /** Addresses without that limit: this machine, proxies. */
  readonly isExempt: (address: string) => boolean
}

interface Connection { inFlight: number, isRefused: boolean }

type Report = (limit: string, address: string | undefined) => void

const key = Symbol('connection')
const IPV6_BITS = 64
const refusal = 'HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Length: 0\r\nRetry-After: 1\r\n\r\n'

/** Bounds connections per address, requests in flight per connection, and the time to read a response. Node has options for neither. */
export default fp<HttpLimits>(async (app, limits) => {
  const bursts = new Bursts()
  const report: Report = (limit, address) => {
    const count = bursts.hit(limit)
    if (count > 0) app.log.warn({ limit, address, count }, 'HTTP connection closed: limit hit')
  }
  limitConnections(app, limits, report)
  limitRequests(app, limits, report)
  limitResponseTime(app, limits, report)
}, { name: 'http-limits', fastify: '^5.3.0' })

function limitConnections ({ server }: FastifyInstance, { maxConnectionsPerAddress, isExempt }: HttpLimits, report: Report): void {
  const counts = new Map<string, number>()
  const releases = new WeakMap<Socket, () => void>()
  server.on('connection', (socket: Socket) => {
    const connection: Connection = { inFlight: 0, isRefused: false }
    Object.assign(socket, { [key]: connection })
    const { remoteAddress = '' } = socket
    if (maxConnectionsPerAddress === 0 || isExempt(remoteAddress)) return
    const network = networkOf(remoteAddress, remoteAddress.includes('.') ? 32 : IPV6_BITS) ?? remoteAddress
    const count = counts.get(network) ?? 0
    if (count >= maxConnectionsPerAddress) {
      report('connections per address', remoteAddress)
      connection.isRefused = true
      socket.write(refusal)
      socket.destroySoon()
      return
    }
    counts.set(network, count + 1)
    const release = (): void => {
      if (!releases.delete(socket)) return
      const left = counts.get(network)! - 1
      if (left === 0) counts.delete(network)
      else counts.set(network, left)
    }
    releases.set(socket, release)
    socket.once('close', release)
  })
  server.on('upgrade', ({ socket }: IncomingMessage) => { releases.get(socket)?.() })
}

/** Destroys a connection with too many requests in flight: one chunk of bytes can hold a thousand, and they cannot be left unread. */
function limitRequests (app: FastifyInstance, { maxRequestsInFlight }: HttpLimits, report: Report): void {
  app.server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const connection = connectionOf(socket)
    if (connection === undefined) return
    response.once('close', () => { connection.inFlight-- })
    if (++connection.inFlight <= maxRequestsInFlight || connection.isRefused) return
    report('requests in flight', socket.remoteAddress)
    connection.isRefused = true
    socket.destroy()
  })
  // Nobody is left to answer; the handler would only open files.
  app.addHook('onRequest', async ({ raw: { socket } }, reply) => { if (connectionOf(socket)?.isRefused === true) reply.hijack() })
}

/** `socket` is undefined where a request is injected. */
function connectionOf (socket: Socket | undefined): Connection | undefined {
  return (socket as (Socket & Record<symbol, Connection | undefined>) | undefined)?.[key]
}

function limitResponseTime (app: FastifyInstance, { responseTimeout }: HttpLimits, report: Report): void {
  const waiting = new Deadlines(() => responseTimeout)
  app.addHook('onSend', async ({ raw: { socket } }, { raw: response }) => {
    if (connectionOf(socket) === undefined) return
    const cut = (): void => { socket.destroy() }
    const deadline = {
      expire: () => {
        report('time to read a response', socket.remoteAddress)
        cut()
      },
      cut
    }
    waiting.add(deadline)
    response.once('close', () => { waiting.delete(deadline) })
  })
}
