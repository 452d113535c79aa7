import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { closingResponse, writeProblem } from '../http/client-error.ts'
import { openBurstLog } from '../http/log/burst-log.ts'
import { closeResponse, hasLeft } from '../http/left-client.ts'
import { HttpError } from '../http/http-error.ts'
import { hasTooManyParameters, MAX_PARAMETERS } from '../http/query/query-limit.ts'
import { endpointUpgrade } from '../http/upgrade/http-upgrade.ts'
import { ignoreRequests } from '../http/upgrade/ignore-requests.ts'
import { addressKey } from '../src/core/admission/address-key.ts'
import { Deadlines } from '../src/core/admission/deadlines.ts'
import { RETRY_AFTER_SECONDS } from '../src/transport/refusal.ts'

/** Limits for clients of the HTTP server. WebSocket connections count only until they are upgraded. */
export interface HttpLimits {
  /** Pipelined requests of one connection that are handled at the same time; more end the connection. */
  readonly maxRequestsInFlight: number
  /** Seconds a client may take to read a response. Event streams have limits of their own. */
  readonly responseTimeout: number
  /** Connections of one address (IPv6: of one /64); 0: no limit. Others get 429. */
  readonly maxConnectionsPerAddress: number
  /** Addresses without that limit: this machine, proxies. */
  readonly isExempt: (address: string) => boolean
}

interface Connection { readonly inFlight: Set<ServerResponse>, isRefused: boolean }

type Report = (limit: string, address: string | undefined) => void

const key = Symbol('connection')
const tooManyConnections = new HttpError(429, 'Too many connections from this address', {
  'Retry-After': String(RETRY_AFTER_SECONDS)
})
const tooManyParameters = new HttpError(414, `Too many query parameters: expected at most ${MAX_PARAMETERS}`)

/**
 * Bounds connections per address, requests in flight per connection, query parameters per request, and the time to read
 * a response. Node has options for none of them.
 */
export default fp<HttpLimits>(async (app, limits) => {
  const bursts = openBurstLog(app)
  const report: Report = (limit, address) => {
    bursts.log({ level: 'warn', key: { limit }, message: 'HTTP connection closed: limit hit' }, { address })
  }
  limitConnections(app, limits, report)
  limitRequests(app, limits, report)
  limitResponseTime(app, limits, report)
}, { name: 'http-limits', fastify: '^5.3.0' })

function limitConnections (
  { server }: FastifyInstance,
  { maxConnectionsPerAddress, isExempt }: HttpLimits,
  report: Report
): void {
  const counts = new Map<string, number>()
  const releases = new WeakMap<Socket, () => void>()
  server.on('connection', (socket: Socket) => {
    const connection: Connection = { inFlight: new Set(), isRefused: false }
    Object.assign(socket, { [key]: connection })
    socket.once('close', () => { for (const response of connection.inFlight) closeResponse(response) })
    const { remoteAddress = '' } = socket
    if (maxConnectionsPerAddress === 0 || isExempt(remoteAddress)) return
    const network = addressKey(remoteAddress)
    const count = counts.get(network) ?? 0
    if (count >= maxConnectionsPerAddress) {
      report('connections per address', remoteAddress)
      connection.isRefused = true
      writeProblem(socket, server, tooManyConnections)
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
  server.on(endpointUpgrade, ({ socket }: IncomingMessage) => { releases.get(socket)?.() })
}

/**
 * Destroys a connection with too many requests in flight, and closes one whose request has too many query parameters.
 * One chunk of bytes can hold a thousand requests: those after the limit do not reach Fastify.
 */
function limitRequests (app: FastifyInstance, { maxRequestsInFlight }: HttpLimits, report: Report): void {
  const handlers = app.server.listeners('request') as RequestListener[]
  app.server.removeAllListeners('request').on('request', (request: IncomingMessage, response: ServerResponse) => {
    const connection = connectionOf(request.socket)
    if (connection?.isRefused === true) return ignoreRequests(request.socket)
    connection?.inFlight.add(response)
    response.once('close', () => { connection?.inFlight.delete(response) })
    if (connection !== undefined && connection.inFlight.size > maxRequestsInFlight) {
      report('requests in flight', request.socket.remoteAddress)
      connection.isRefused = true
      request.socket.destroy()
    } else if (hasTooManyParameters(request.url!)) {
      report('query parameters', request.socket.remoteAddress)
      if (connection !== undefined) connection.isRefused = true
      refuseParameters(app, response)
    } else for (const handler of handlers) handler(request, response)
  })
  // A response that is sent only after its connection has closed: nobody else closes its file.
  app.addHook('onSend', async (_request, { raw: response }, payload) => {
    if (!response.destroyed || !(payload instanceof Readable)) return payload
    payload.destroy()
    return ''
  })
}

/** Responds before Fastify, whose router would parse the query before any token is checked. */
function refuseParameters ({ server }: FastifyInstance, response: ServerResponse): void {
  const { status, headers, body } = closingResponse(server, tooManyParameters)
  response.writeHead(status, headers)
  response.end(body)
}

/** `socket` is undefined where a request is injected. */
function connectionOf (socket: Socket | undefined): Connection | undefined {
  return (socket as (Socket & Record<symbol, Connection | undefined>) | undefined)?.[key]
}

function limitResponseTime (app: FastifyInstance, { responseTimeout }: HttpLimits, report: Report): void {
  const waiting = new Deadlines(() => responseTimeout)
  app.addHook('onClose', async () => { waiting.cutAll() })
  app.addHook('onSend', async ({ raw: { socket } }, { raw: response }) => {
    if (response.statusCode === 101 || hasLeft(response) || connectionOf(socket) === undefined) return
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
