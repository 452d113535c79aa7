import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { isolated } from '../http/isolated.ts'
import { BadRequest } from '../http/http-error.ts'
import { problem } from '../http/problem.ts'
import { ref } from '../http/document/shared-schema.ts'
import type { WebSocketServer } from '../src/core/server/websocket-server.ts'
import { GodotError } from '../src/error.ts'
import { internalsOf } from '../src/core/server/internals.ts'
import { roomRules, ServerOptions } from '../src/options/options.ts'
import { runtimeOptionNames, type RuntimeOptions } from '../src/options/runtime-options.ts'
import { Type, type Static, type TSchema } from '../src/typebox.ts'
import type { AdminParts } from './nodes/admin-parts.ts'
import { partial, scope } from './page.ts'
import { badRequest, CloseCode, CloseReason, count, PeerCounts } from './schemas.ts'

const tags = ['server']
const option = ServerOptions.properties

/** Settings that may change at run time, each as its option. */
const settings = {
  ...Object.fromEntries(runtimeOptionNames.map(name => [name, option[name]])) as Pick<
    typeof option, typeof runtimeOptionNames[number]
  >,
  allowedOrigins: Type.Union([...option.allowedOrigins.anyOf, Type.Null()], {
    description: `${descriptionOf(option.allowedOrigins)}; null: not set`
  })
}

function descriptionOf (schema: TSchema): string {
  return (schema as { description?: string }).description!
}

/** State of the server. */
export const State = Type.Object({
  listening: Type.Boolean({ description: 'Whether the server is listening' }),
  mode: Type.Enum(['mounted', 'own'], {
    type: 'string',
    description: 'On the endpoint of the host app, or on a listener of its own'
  }),
  bindIp: option.bindIp,
  port: Type.Integer({
    minimum: 0,
    maximum: 65535,
    description: 'The bound port, 0 while not listening',
    examples: [3000]
  }),
  path: option.path,
  tls: Type.Boolean({ description: 'Whether clients connect with wss' }),
  protocols: option.protocols,
  gdMpApi: option.gdMpApi,
  wire: option.wire,
  refuseNewConnections: option.refuseNewConnections,
  handshakeTimeout: option.handshakeTimeout,
  buffers: Type.Object({
    inputBufferKb: option.inputBufferKb,
    inputMaxPackets: option.inputMaxPackets,
    outputBufferKb: option.outputBufferKb,
    outputMaxPackets: option.outputMaxPackets
  }, { description: 'Effective limits per peer' }),
  peers: PeerCounts,
  rooms: Type.Object({
    enabled: Type.Boolean({ description: 'Whether there can be other rooms than `main` (option `rooms`)' }),
    count: Type.Integer({ minimum: 1, description: 'Number of rooms, including `main`' })
  }, { description: 'Rooms of the server' }),
  limits: Type.Object({
    maxPeers: option.maxPeers,
    maxPeersPerAddress: option.maxPeersPerAddress,
    maxJoinsPerMinute: option.maxJoinsPerMinute,
    maxPendingHandshakes: option.maxPendingHandshakes,
    maxPacketsPerSecond: option.maxPacketsPerSecond,
    maxBytesPerSecond: option.maxBytesPerSecond,
    pingInterval: option.pingInterval,
    hits: Type.Record(Type.String(), count('Number of hits'), {
      description: 'Number of times each limit was hit since the start',
      examples: [{ 'address-limit': 7 }]
    })
  }, { description: 'Limits for clients' }),
  settings: Type.Object({
    ...settings,
    rooms: Type.Union([Type.Literal(false), Type.Object(roomRules.properties)], {
      description: 'Rules of option `rooms` in effect; false: all peers are in `main`'
    })
  }, { description: 'What `changeServer` can change' }),
  uptime: Type.Number({ minimum: 0, description: 'Seconds since it started listening', examples: [86400.5] }),
  node: Type.Optional(Type.String({ description: 'Id of the node that responds, in a cluster' })),
  ...partial
}, { $id: 'PeerServer.State', description: 'The state of the server' })

type Routes = FastifyPluginAsyncTypebox<AdminParts>

/** State of the server; listening and stopping. */
export const serverRoutes: Routes = async (app, options) => {
  for (const routes of [stateRoutes, listeningRoutes, stopRoute]) await routes(app, options)
}

const stateRoutes: Routes = async (app, { server, nodes }) => {
  app.get('/server', isolated({
    schema: {
      operationId: 'getServer',
      summary: 'Get the state of the server',
      description: 'Settings in effect, peers by state, limits and how often they were hit.',
      tags,
      response: { 200: ref(State) }
    }
  }), async () => describeServer(server))

  app.patch('/server', isolated({
    config: { role: 'admin' },
    preValidation: async ({ body }) => { refuseFixed(body) },
    schema: {
      operationId: 'changeServer',
      summary: 'Change settings while listening',
      description:
        'Takes effect at once, also for peers that are connected. Omitted members keep their values. The service ' +
        'keeps them across restarts if STATE_FILE is set. In a cluster all nodes change, also those that join later, ' +
        'unless `scope` is `local`.',
      tags,
      querystring: Type.Object({ scope }, { additionalProperties: false }),
      body: Type.Object({
        ...Type.Partial(Type.Object(settings)).properties,
        rooms: Type.Optional({ ...roomRules, description: 'Rules of option `rooms` to change; omitted ones are kept' })
      }, { additionalProperties: false, examples: [{ refuseNewConnections: true, maxPeers: 500 }] }),
      response: { 200: ref(State), 400: badRequest('Invalid body', '/body/handshakeTimeout', 'must be > 0') }
    }
  }), async ({ query: { scope }, body: { allowedOrigins, ...changes } }) => {
    const origins = allowedOrigins === undefined ? {} : { allowedOrigins: allowedOrigins ?? undefined }
    const options = { ...changes, ...origins }
    server.change(options)
    if (scope === 'local') return describeServer(server)
    nodes.link?.config.optionsChanged(options)
    return { ...describeServer(server), ...await nodes.shared() }
  })
}

/** Options that `changeServer` cannot change. */
const fixedOptions = Object.keys(option).filter(name => !Object.hasOwn(settings, name))

/** Tells an option that is fixed while listening from a property that does not exist. */
function refuseFixed (body: unknown): void {
  const fixed = fixedOptions.filter(name => Object.hasOwn(Object(body), name))
  if (fixed.length === 0) return
  throw new BadRequest(fixed.map(name => ({ pointer: `/body/${name}`, message: 'cannot be changed at run time' })))
}

const listeningRoutes: Routes = async (app, { server }) => {
  app.get('/server/listening', isolated({
    schema: {
      operationId: 'isListening',
      summary: 'Whether the server is listening',
      description: 'Like Godot\'s `is_listening`.',
      tags,
      response: {
        200: Type.Object({ listening: State.properties.listening }, { description: 'Whether it is listening' })
      }
    }
  }), async () => ({ listening: server.isListening() }))

  app.post('/server/listen', isolated({
    config: { role: 'admin' },
    schema: {
      operationId: 'listen',
      summary: 'Start listening',
      description:
        'With a port, given here or as option `port`, on the server\'s own listener; otherwise on the endpoint of ' +
        'the host app. Omitted members keep their values. A failed call changes nothing.',
      tags,
      body: Type.Object({
        port: Type.Optional(Type.Integer({
          minimum: 0,
          maximum: 65535,
          description: 'Port to listen on; 0: any free port'
        })),
        protocols: Type.Optional(option.protocols),
        gdMpApi: Type.Optional(option.gdMpApi)
      }, { additionalProperties: false, examples: [{ gdMpApi: true }] }),
      response: {
        200: ref(State),
        400: badRequest('Invalid body', '/body/port', 'must be <= 65535'),
        409: problem('Already listening, or the port is in use',
          new GodotError('ERR_ALREADY_IN_USE', 'already listening')),
        503: problem('The cluster cannot be joined', new GodotError('cluster-unavailable',
          'cluster: the broker cannot be reached: connection refused (nats://127.0.0.1:4222)'))
      }
    }
  }), async ({ body: { port, protocols, gdMpApi } }) => {
    await server.listen(port, protocols, gdMpApi)
    return describeServer(server)
  })
}

const stopRoute: Routes = async (app, { server }) => {
  app.post('/server/stop', isolated({
    config: { role: 'admin' },
    schema: {
      operationId: 'stop',
      summary: 'Stop listening',
      description:
        'Closes every peer, by default with option `stopCode`, and responds when all are disconnected, at the latest ' +
        'after `closeTimeout`. The server stays stopped until it is started again.',
      tags,
      body: Type.Object({
        code: Type.Optional(CloseCode),
        reason: Type.Optional(CloseReason)
      }, { additionalProperties: false, examples: [{ code: 1001, reason: 'back in a minute' }] }),
      response: { 200: ref(State), 400: badRequest('Invalid body', '/body/reason', 'must be string') }
    }
  }), async ({ body: { code, reason } }) => {
    await server.stop(code, reason)
    return describeServer(server)
  })
}

function describeServer (server: WebSocketServer): Static<typeof State> {
  const { mode, bindIp, port, tls, refuseNewConnections, handshakeTimeout, buffers, uptime, options } = server
  const { gdMpApi, wire, maxPeers, maxPeersPerAddress, maxJoinsPerMinute, maxPendingHandshakes } = options
  const { maxPacketsPerSecond, maxBytesPerSecond, pingInterval } = options
  const { listening: { path }, registry: { cluster } } = internalsOf(server)
  return {
    listening: server.isListening(),
    mode,
    bindIp,
    port,
    path,
    tls,
    protocols: [...server.options.protocols],
    gdMpApi,
    wire,
    refuseNewConnections,
    handshakeTimeout,
    buffers,
    peers: server.countPeers(),
    rooms: { enabled: options.rooms !== false, count: server.roomCount },
    limits: {
      maxPeers,
      maxPeersPerAddress,
      maxJoinsPerMinute,
      maxPendingHandshakes,
      maxPacketsPerSecond,
      maxBytesPerSecond,
      pingInterval,
      hits: { ...server.monitor.limits }
    },
    settings: describeSettings(server),
    uptime,
    ...(cluster === undefined ? {} : { node: cluster.api.nodeId })
  }
}

function describeSettings (server: WebSocketServer): Static<typeof State>['settings'] {
  const { options } = server
  return {
    ...Object.fromEntries(runtimeOptionNames.map(name => [name, options[name]])) as Required<RuntimeOptions>,
    allowedOrigins: options.allowedOrigins as '*' | string[] | undefined ?? null,
    rooms: internalsOf(server).settings.rooms ?? false
  }
}
