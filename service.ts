#!/usr/bin/env node
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import closeWithGrace from 'close-with-grace'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import app, { apiPrefix } from './app.ts'
import firstRequest from './plugins/first-request.ts'
import httpLimits from './plugins/http-limits.ts'
import requestLog from './plugins/request-log.ts'
import { answerClientError } from './http/client-error.ts'
import { sendProblem } from './http/problem.ts'
import { withoutSecrets } from './http/log/without-secrets.ts'
import { requestsWebSocket } from './http/upgrade/is-handshake.ts'
import { canonicalAddress, isLoopback, parseAddressRange } from './src/address-range.ts'
import { nameVariable, readEnvironment, type ServiceSettings, SettingsError } from './src/environment.ts'
import { GodotError } from './src/error.ts'
import { describeMisspelt, misspeltVariables } from './src/misspelt-variables.ts'
import { defaultOptions } from './src/options/defaults.ts'
import type { WebSocketServer } from './src/core/server/websocket-server.ts'
import { servicePaths } from './src/service-paths.ts'
import { addressesOf, AdditionalAddress } from './src/transport/additional-address.ts'

/** Seconds beyond `closeTimeout` within which the process exits. */
const GRACE = 1
/** Milliseconds between checks for incomplete requests. */
const CHECK_INTERVAL = 250

try {
  await start(readEnvironment(process.env))
} catch (error) {
  // A configuration error needs no stack trace.
  console.error(isConfigurationError(error) ? nameVariable((error as Error).message) : error)
  process.exit(1)
}

function isConfigurationError (error: unknown): boolean {
  return error instanceof SettingsError || error instanceof GodotError ||
    (error as NodeJS.ErrnoException).syscall !== undefined
}

async function start (settings: ServiceSettings): Promise<void> {
  const { server, godot4, lobby, tokens, adminOrigins: origin, stateFile, http } = settings
  const service = createService(settings)
  await service.register(requestLog)
  await service.register(httpLimits, { ...http, isExempt: exemption(settings) })
  const admin = tokens === undefined ? { auth: false as const } : { token: tokens, ...(origin && { origin }) }
  const isNode = server.cluster !== undefined
  const [first, ...more] = [server, ...(godot4 === undefined ? [] : [godot4])]
    .map(options => isNode ? { ...options, autoListen: false } : options)
  await service.register(app, { server: first, more: more as Array<typeof godot4 & object>, admin, lobby, stateFile })
  await service.register(firstRequest, { seconds: () => service.peerServer.handshakeTimeout })
  followTimeout(service)
  for (const one of misspeltVariables(process.env)) {
    service.log.warn({ variable: one.name }, `Environment variable ${one.name}: ${describeMisspelt(one)}`)
  }
  const isClosing = exitGracefully(service)
  try {
    await listen(service, settings)
    // Until then `/readyz` responds with 503.
    if (isNode) await joinCluster(service, settings)
    logAddresses(service, settings)
  } catch (err) {
    if (!isClosing()) throw err
    service.log.info({ err }, 'closed before it had started')
  }
}

/** Listens at HOST; at `localhost` on each of its addresses that is available, of which the first must be. */
async function listen (service: FastifyInstance, { host, port }: ServiceSettings): Promise<void> {
  const [first, ...others] = await addressesOf(host)
  const further = others.map(address => ({ address, listener: new AdditionalAddress(service.server) }))
  // The HTTP server stops accepting connections after the last of these hooks.
  let closed: Promise<unknown> | undefined
  service.addHook('preClose', async () => { closed = Promise.all(further.map(({ listener }) => listener.close())) })
  service.addHook('onClose', async () => { await closed })
  await service.listen({ host: first, port })
  const bound = (service.server.address() as AddressInfo).port
  for (const { address, listener } of further) {
    const at = `http://${inUrl(address)}:${bound}`
    await listener.listen(address, bound).then(
      () => { service.log.info(`Server listening at ${at}`) },
      (err: unknown) => { service.log.info({ err }, `Not listening at ${at}`) })
  }
}

/** Lets the servers join their clusters, unless option autoListen is false. */
async function joinCluster (service: FastifyInstance, { server, godot4 }: ServiceSettings): Promise<void> {
  if (!(server.autoListen ?? defaultOptions.autoListen)) return
  const names = [defaultOptions.name, ...(godot4 === undefined ? [] : [godot4.name])]
  await Promise.all(names.map(async name => { await service.getDecorator<WebSocketServer>(name).listen() }))
}

/** Creates the app with its logger; `followTimeout` sets its timeouts. */
function createService ({ logLevel, trustProxy, server, wsAtRoot }: ServiceSettings): FastifyInstance {
  const { path = defaultOptions.path } = server
  const rewriting: FastifyServerOptions = wsAtRoot ? { rewriteUrl: request => rewriteRoot(request, path) } : {}
  return Fastify({
    logger: { level: logLevel, redact: ['req.headers.authorization'], serializers: { req: withoutSecrets } },
    ...noRequestLog(),
    trustProxy: typeof trustProxy === 'boolean' ? trustProxy : isIn(trustProxy),
    http: { connectionsCheckingInterval: CHECK_INTERVAL },
    clientErrorHandler: answerClientError as never,
    frameworkErrors: async (error, request, reply) => await sendProblem(error, request, reply as never),
    // Operators can use the REST API until the last peer has left.
    return503OnClosing: false,
    pluginTimeout: 0,
    ...rewriting
  })
}

/**
 * Drops a request that is incomplete after `handshakeTimeout`, which can change at run time, at most CHECK_INTERVAL
 * later. `firstRequest` drops the first one of a connection.
 */
function followTimeout ({ server, peerServer }: FastifyInstance): void {
  const update = (): void => {
    // Node takes whole milliseconds only.
    server.headersTimeout = server.requestTimeout = Math.ceil(peerServer.handshakeTimeout * 1000)
  }
  update()
  peerServer.monitor.events.on('changed', update)
}

/** Turns off Fastify's log lines of requests, as plugins/request-log.ts has levels; earlier versions have an option. */
function noRequestLog (): FastifyServerOptions {
  const { LogController } = Fastify as { LogController?: typeof Fastify.LogController }
  if (LogController === undefined) return { disableRequestLogging: true }
  return { logController: new LogController({ disableRequestLogging: true }) }
}

/** The URL of the request; `path` in place of the root in a WebSocket handshake. */
function rewriteRoot (request: IncomingMessage, path: string): string {
  const { url = '/' } = request
  return requestsWebSocket(request) ? url.replace(/^\/(?=$|\?)/, () => path) : url
}

/**
 * Which addresses may open any number of connections: this machine and trusted proxies, which serve many clients each.
 */
function exemption ({ trustProxy }: ServiceSettings): (address: string) => boolean {
  const isProxy = typeof trustProxy === 'boolean' ? () => trustProxy : isIn(trustProxy)
  return address => isLoopback(address) || isProxy(address)
}

/** Whether an address, as a proxy may write it (with port, in brackets), is in one of these ranges. */
function isIn (texts: readonly string[]): (address: string) => boolean {
  const ranges = texts.map(text => parseAddressRange(text)!)
  return address => ranges.some(range => range.has(canonicalAddress(address)))
}

/**
 * SIGTERM and SIGINT: peers are closed with 1001, and the process exits with 0. Returns whether one has been received.
 */
function exitGracefully (service: FastifyInstance): () => boolean {
  let isClosing = false
  closeWithGrace({ delay: false, logger: false }, async ({ err, signal }) => {
    isClosing = true
    if (err !== undefined) service.log.fatal({ err }, 'closing after an uncaught error')
    else service.log.info({ signal }, 'closing')
    // Connections that are still busy then have had enough time.
    const time = service.peerServer.options.closeTimeout + GRACE / 2
    setTimeout(() => { service.server.closeAllConnections() }, time * 1000).unref()
    await service.close()
  })
  return () => isClosing
}

/** Logs where everything is, and warns when no token is needed. */
function logAddresses (service: FastifyInstance, { tokens, host, godot4, lobby, wsAtRoot }: ServiceSettings): void {
  const { port } = service.server.address() as AddressInfo
  const at = `${inUrl(host)}:${port}`
  const api = `http://${at}${apiPrefix}`
  const second = godot4 === undefined
    ? []
    : [
        describeEndpoint(service.getDecorator<WebSocketServer>(godot4.name), at, `${api}/${godot4.name}`),
        `REST API of ${godot4.name} at ${api}/${godot4.name}`,
        ...(lobby === undefined ? [] : [`Lobby of ${godot4.name} at http://${at}${servicePaths.lobby}/${godot4.name}`])
      ]
  for (const line of [
    describeEndpoint(service.peerServer, at, api, wsAtRoot),
    `REST API at ${api}`,
    ...(lobby === undefined ? [] : [`Lobby at http://${at}${servicePaths.lobby}`]),
    ...second,
    `Swagger UI at http://${at}${servicePaths.docs}`,
    `OpenAPI document at http://${at}${servicePaths.openapi}`,
    `AsyncAPI document at http://${at}${servicePaths.asyncapi}`,
    `Dashboard at http://${at}${servicePaths.dashboard}`,
    `Metrics at http://${at}${servicePaths.metrics}`,
    `Health at http://${at}${servicePaths.health} and ${servicePaths.readiness}`
  ]) service.log.info(line)
  if (tokens === undefined) {
    service.log.warn(
      'No ADMIN_TOKEN: anyone on this machine may administer. ' +
      `This is allowed only because HOST ${host} is a loopback address.`)
  }
}

/** Where clients connect to a server, or how it begins to listen. `at` is the address of HTTP, `api` its REST API. */
function describeEndpoint (server: WebSocketServer, at: string, api: string, wsAtRoot = false): string {
  const { mode, bindIp, tls, port, options: { gdMpApi, wire, path } } = server
  const what = gdMpApi ? `Godot ${wire === 'godot4' ? 4 : 3} multiplayer relay` : 'WebSocket server'
  if (!server.isListening()) return `${what} not listening: POST ${api}/server/listen starts it`
  if (mode === 'mounted') return `${what} at ws://${at}${path}${wsAtRoot ? ` and ws://${at}/` : ''}`
  return `${what} at ${tls ? 'wss' : 'ws'}://${inUrl(bindIp === '*' ? 'localhost' : bindIp)}:${port}`
}

function inUrl (address: string): string {
  return address.includes(':') ? `[${address}]` : address
}
