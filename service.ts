#!/usr/bin/env node
import type { AddressInfo } from 'node:net'
import closeWithGrace from 'close-with-grace'
import Fastify, { type FastifyInstance } from 'fastify'
import app, { apiPrefix } from './app.ts'
import firstRequest from './plugins/first-request.ts'
import { sendProblem } from './plugins/problem.ts'
import { withoutSecrets } from './plugins/request-log.ts'
import { nameVariable, readEnvironment, type Settings, SettingsError } from './src/environment.ts'
import { GodotError } from './src/error.ts'
import { defaultOptions } from './src/options.ts'

/** Seconds beyond `closeTimeout` in which the service ends. */
const GRACE = 1
const CHECKS_PER_TIMEOUT = 12

try {
  await start(readEnvironment(process.env))
} catch (error) {
  // What the operator can put right needs no stack.
  console.error(isOperators(error) ? nameVariable((error as Error).message) : error)
  process.exit(1)
}

function isOperators (error: unknown): boolean {
  return error instanceof SettingsError || error instanceof GodotError || (error as NodeJS.ErrnoException).syscall !== undefined
}

async function start (settings: Settings): Promise<void> {
  const { host, port, server, godot4, adminToken } = settings
  const service = makeService(settings)
  await service.register(app, { server, more: godot4 === undefined ? [] : [godot4], admin: adminToken === undefined ? { auth: false } : { token: adminToken } })
  await service.register(firstRequest, { seconds: () => service.peerServer.handshakeTimeout })
  endGracefully(service)
  await service.listen({ host, port })
  announce(service, settings)
}

/** The app with its log, and timeouts that let no half a request outlive a handshake. */
function makeService ({ logLevel, trustProxy, server }: Settings): FastifyInstance {
  const timeout = (server.handshakeTimeout ?? defaultOptions.handshakeTimeout) * 1000
  return Fastify({
    logger: { level: logLevel, redact: ['req.headers.authorization'], serializers: { req: withoutSecrets } },
    trustProxy,
    requestTimeout: timeout,
    http: { headersTimeout: timeout, connectionsCheckingInterval: timeout / CHECKS_PER_TIMEOUT },
    frameworkErrors: async (error, request, reply) => await sendProblem(error, request, reply as never),
    // Until the last peer has gone an operator may still look.
    return503OnClosing: false
  })
}

/** SIGTERM and SIGINT: peers are told 1001, and the process ends with 0. */
function endGracefully (service: FastifyInstance): void {
  closeWithGrace({ delay: false, logger: false }, async ({ err, signal }) => {
    if (err !== undefined) service.log.fatal({ err }, 'going down')
    else service.log.info({ signal }, 'closing')
    // What still hangs on a connection then has had its time.
    const time = service.peerServer.options.closeTimeout + GRACE / 2
    setTimeout(() => { service.server.closeAllConnections() }, time * 1000).unref()
    await service.close()
  })
}

/** Says where everything is, and who may enter. */
function announce (service: FastifyInstance, { adminToken, host, godot4 }: Settings): void {
  const { port } = service.server.address() as AddressInfo
  const at = `${inUrl(host)}:${port}`
  const { mode, bindIp, tls, options: { gdMpApi, wire, path } } = service.peerServer
  const socket = mode === 'mounted' ? `ws://${at}${path}` : `${tls ? 'wss' : 'ws'}://${inUrl(bindIp === '*' ? 'localhost' : bindIp)}:${service.peerServer.port}`
  for (const [what, where] of [
    [gdMpApi ? `Godot ${wire === 'godot4' ? 4 : 3} multiplayer relay` : 'WebSocket server', socket],
    ['REST API', `http://${at}${apiPrefix}`],
    ...(godot4 === undefined ? [] : [['Godot 4 multiplayer relay', `ws://${at}${godot4.path!}`], ['Its REST API', `http://${at}${apiPrefix}/${godot4.name}`]]),
    ['Swagger UI', `http://${at}/docs`],
    ['OpenAPI document', `http://${at}/openapi.json`],
    ['AsyncAPI document', `http://${at}/asyncapi.json`],
    ['Dashboard', `http://${at}/dashboard`],
    ['Metrics', `http://${at}/metrics`],
    ['Health', `http://${at}/healthz and /readyz`]
  ]) service.log.info(`${what} at ${where}`)
  if (adminToken === undefined) service.log.warn(`No ADMIN_TOKEN: everyone on this machine may administer. It works only because HOST ${host} is a loopback address.`)
}

function inUrl (address: string): string {
  return address.includes(':') ? `[${address}]` : address
}
