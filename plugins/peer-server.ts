// Types `app.injectWS`, which this plugin brings along.
/// <reference types="@fastify/websocket" preserve="true" />
import type { AddressInfo } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import fp from 'fastify-plugin'
import type { Mount } from '../src/transport/listener.ts'
import { GodotError } from '../src/error.ts'
import type { ServerOptions } from '../src/options/option-types.ts'
import { defaultOptions } from '../src/options/defaults.ts'
import { probeDescriptors } from '../src/core/server/descriptor-probe.ts'
import { internalsOf } from '../src/core/server/internals.ts'
import { WebSocketServer } from '../src/core/server/websocket-server.ts'
import { within } from '../src/core/within.ts'
import { addEndpoint, type Logging } from './endpoint.ts'
import { Problem } from '../http/problem.ts'
import { shareSchemas } from '../http/document/shared-schema.ts'
import { watchUpgrades } from './upgrade-listener.ts'

declare module 'fastify' {
  interface FastifyInstance { peerServer: WebSocketServer }
}

/** Part of the host's `pluginTimeout` that the hooks here may take. */
const TIMEOUT_SHARE = 0.9

/** The servers of each app, which one hook stops together: hooks run one after the other. */
const serversOf = new WeakMap<object, WebSocketServer[]>()

/** Options of Fastify's own `register`, which apply to the endpoint's route. */
type RegisterOptions = Logging & { readonly prefix?: string }

// Its type is that of every overload of `register`, so that TypeScript reports a wrong option where it is.
const plugin: FastifyPluginAsync<Partial<ServerOptions>> = async (app, registered) => {
  const { prefix, logLevel, logSerializers, ...given } = registered as Partial<ServerOptions> & RegisterOptions
  const path = joinPaths(prefix ?? '', given.path ?? defaultOptions.path)
  const options = prefix === undefined ? given : { ...given, path }
  const isMounted = options.port === undefined
  const server = new WebSocketServer({ log: app.log, ...options }, isMounted ? { mount: mountOf(app, path) } : {})
  const { name = defaultOptions.name } = options
  app.decorate(name, server)
  probeDescriptors(internalsOf(server).monitor)
  shareSchemas(app, Problem)
  if (isMounted) await mount(app, server, name, { logLevel, logSerializers })
  app.addHook('onReady', async () => { if (server.options.autoListen) await listenInTime(app, server) })
  const servers = serversOf.get(app.server) ?? stopTogether(app)
  servers.push(server)
}

/**
 * Plugin that adds a WebSocketServer as `app.peerServer` (option `name`) and its endpoint at option `path`; with option
 * `port` it listens on a port of its own instead. Its options are ServerOptions. It stops with the app.
 */
export default fp(plugin, { name: 'peer-server', fastify: '^5.3.0' })

/**
 * Stops the servers that are added to the returned list when the app closes. After `pluginTimeout` Fastify would skip
 * the remaining `preClose` hooks and reject `close`, so what takes longer is awaited in `onClose`, which has no limit.
 */
function stopTogether (app: FastifyInstance): WebSocketServer[] {
  const servers: WebSocketServer[] = []
  serversOf.set(app.server, servers)
  const { pluginTimeout = 0 } = app.initialConfig
  let stopped: Promise<unknown> | undefined
  app.addHook('preClose', async () => {
    stopped = Promise.all(servers.map(async one => { await one.stop(undefined, 'server shutdown') }))
    await (pluginTimeout === 0 ? stopped : within(pluginTimeout * TIMEOUT_SHARE, stopped))
  })
  app.addHook('onClose', async () => { await stopped })
  return servers
}

/**
 * Listens. After `pluginTimeout` Fastify would reject `app.listen()` while the node goes on joining its cluster, so it
 * gives up before. Throws as `WebSocketServer.listen`.
 */
async function listenInTime (app: FastifyInstance, server: WebSocketServer): Promise<void> {
  const { pluginTimeout = 0 } = app.initialConfig
  const listening = server.listen().then(() => true)
  if (pluginTimeout === 0) await listening
  else if (await within(pluginTimeout * TIMEOUT_SHARE, listening) !== true) {
    await server.stop()
    throw new GodotError('cluster-unavailable', `not joined within pluginTimeout (${pluginTimeout} ms): raise it`)
  }
}

/** A path below a prefix, as Fastify joins them for plugins with a scope of their own. */
function joinPaths (prefix: string, path: string): string {
  return prefix.replace(/\/$/, '') + path
}

async function mount (app: FastifyInstance, server: WebSocketServer, name: string, logging: Logging): Promise<void> {
  await watchUpgrades(app)
  await addEndpoint(app, server, name, logging)
  app.addHook('onListen', async () => {
    if (server.isListening()) internalsOf(server).monitor.events.emit('bound')
    logHeadersTimeout(app, server)
  })
}

/** Until the request is complete, the headersTimeout of the host's HTTP server applies, by default a minute. */
function logHeadersTimeout (
  { server, initialConfig, log }: FastifyInstance,
  { handshakeTimeout }: WebSocketServer
): void {
  const { headersTimeout } = server as Partial<typeof server>
  if (headersTimeout === undefined) {
    // Servers of HTTP/2 have it only with allowHTTP1; another may come from a `serverFactory`.
    if (initialConfig.http2 === true) log.warn('HTTP/2 without allowHTTP1: WebSocket clients cannot connect')
    return
  }
  if (headersTimeout > 0 && headersTimeout <= handshakeTimeout * 1000) return
  const details = { headersTimeout: headersTimeout / 1000, handshakeTimeout }
  const seconds = `handshakeTimeout (${handshakeTimeout} s): a client that sends its upgrade request slowly is`
  const more = ': see docs/reliability.md'
  if (headersTimeout === 0) log.warn(details, `headersTimeout is off, unlike ${seconds} never cut off${more}`)
  else {
    const exceeds = `headersTimeout (${details.headersTimeout} s) exceeds`
    log.info(details, `${exceeds} ${seconds} only cut off after headersTimeout${more}`)
  }
}

function mountOf (app: FastifyInstance, path: string): Mount {
  return {
    path: joinPaths(app.prefix, path),
    get port () { return (app.server.address() as AddressInfo | null)?.port ?? 0 },
    tls: app.server instanceof TlsServer
  }
}
