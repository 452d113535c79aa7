import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { get, hello, helloRequests, load, loadAll, type App, type HostKind } from '../host-kind.ts'
import { listen, newApp } from '../start.ts'
import { talk } from '../talk.ts'

/** Where the host sets its sockets up: before ours is mounted, or after. */
const places = ['before', 'after'] as const

const echoed: Pick<HostKind, 'sockets' | 'expected'> = {
  sockets: async port => await talk(`ws://127.0.0.1:${port}/own`, 'hi'),
  expected: 'hi'
}

/** Hosts that have sockets of their own. */
export const sockets: readonly HostKind[] = [
  ...atBothPlaces('@fastify/websocket', ['@fastify/websocket'], async app => {
    await app.register(load('@fastify/websocket'), { options: { maxPayload: 1000 } })
    app.get('/own', { websocket: true }, echo)
  }, echoed),
  ...atBothPlaces('@fastify/websocket with options.server', ['@fastify/websocket'], async app => {
    await app.register(load('@fastify/websocket'), { options: { server: app.server } })
    app.get('/own', { websocket: true }, echo)
  }, echoed),
  ...atBothPlaces('@fastify/websocket in a separate scope', ['@fastify/websocket'], async app => {
    await app.register(async (scope: App) => {
      await scope.register(load('@fastify/websocket'))
      scope.get('/own', { websocket: true }, echo)
    })
  }, echoed),
  ...atBothPlaces('Socket.IO', ['socket.io', 'socket.io-client'], app => {
    const io = new (loadAll('socket.io').Server)(app.server, { serveClient: false })
    io.on('connection', (socket: any) => { socket.on('say', (text: string, answer: (text: string) => void) => { answer(text) }) })
    app.addHook('preClose', async () => { await new Promise(resolve => { io.engine.close(); resolve(undefined) }) })
  }, {
    sockets: async port => await Promise.all([['websocket'], ['polling', 'websocket']].map(async transports => await askSocketIo(port, transports))),
    expected: ['hi', 'hi']
  }),
  ...atBothPlaces('a proxy for HTTP and WebSockets', ['@fastify/http-proxy'], async app => {
    const upstream = await startUpstream(app)
    await app.register(load('@fastify/http-proxy'), { upstream, prefix: '/up', websocket: true })
  }, {
    sockets: async port => await talk(`ws://127.0.0.1:${port}/up/own`, 'hi'),
    expected: 'hi'
  }, [get('/up/page')]),
  ...atBothPlaces('a bare ws server with a path', ['ws'], app => {
    new (loadAll('ws').WebSocketServer)({ server: app.server, path: '/own' }).on('connection', echo)
  }, echoed),
  ...atBothPlaces('a ws server in noServer mode', ['ws'], app => {
    handleUpgrades(app, ({ url }) => url === '/own')
  }, echoed),
  ...atBothPlaces('hot module replacement as in Vite', ['ws'], app => {
    handleUpgrades(app, ({ headers }) => headers['sec-websocket-protocol'] === 'vite-hmr')
  }, { sockets: async port => await talk(`ws://127.0.0.1:${port}/`, 'hi', ['vite-hmr']), expected: 'hi' }),
  ...atBothPlaces('graphql-ws', ['graphql-ws', 'graphql', 'ws'], app => {
    const server = new (loadAll('ws').WebSocketServer)({ server: app.server, path: '/graphql' })
    const schema = loadAll('graphql').buildSchema('type Query { hello: String }')
    loadAll('graphql-ws/use/ws').useServer({
      schema,
      roots: { query: { hello: () => 'world' } },
      // Milliseconds that a client may take on a busy machine.
      connectionInitWaitTimeout: 60_000
    }, server)
  }, {
    sockets: async port => await talk(`ws://127.0.0.1:${port}/graphql`, JSON.stringify({ type: 'connection_init' }), ['graphql-transport-ws']),
    expected: '{"type":"connection_ack"}'
  }),
  ...atBothPlaces('GraphQL subscriptions', ['mercurius'], async app => {
    await app.register(load('mercurius'), { schema: 'type Query { hello: String } type Subscription { n: Int }', resolvers: {}, subscription: true })
  }, {
    sockets: async port => await talk(`ws://127.0.0.1:${port}/graphql`, JSON.stringify({ type: 'connection_init' }), ['graphql-transport-ws']),
    expected: '{"type":"connection_ack"}'
  })
]

/** One kind of host per place where `set up` may stand. */
function atBothPlaces (
  name: string, packages: string[], setUp: (app: App) => unknown, used: Pick<HostKind, 'sockets' | 'expected'>, more: HostKind['requests'] = []
): HostKind[] {
  return places.map(place => ({
    name: `${name}, ${place} ours`,
    packages,
    [place]: setUp,
    // A route has to be there before the plugins that wrap routes.
    ...(place === 'before' ? { after: hello } : { before: hello }),
    ...used,
    requests: [...helloRequests, ...more]
  }))
}

function echo (socket: any): void {
  socket.on('message', (data: Buffer) => { socket.send(String(data)) })
}

/** Takes some upgrades of the app's server with `ws`, and leaves the others to other listeners. */
function handleUpgrades (app: App, isOwn: (request: IncomingMessage) => boolean): void {
  const server = new (loadAll('ws').WebSocketServer)({ noServer: true })
  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (isOwn(request)) server.handleUpgrade(request, socket, head, echo)
  })
}

async function askSocketIo (port: number, transports: string[]): Promise<string> {
  const socket = loadAll('socket.io-client').io(`http://127.0.0.1:${port}`, { transports, reconnection: false, timeout: 5000, forceNew: true })
  try {
    await new Promise((resolve, reject) => { socket.once('connect', resolve).once('connect_error', reject) })
    return await socket.timeout(5000).emitWithAck('say', 'hi')
  } finally {
    socket.disconnect()
  }
}

/** An app behind the proxy, which ends with it. */
async function startUpstream (proxy: App): Promise<string> {
  const app = newApp()
  await app.register(load('@fastify/websocket'))
  app.get('/own', { websocket: true }, echo)
  app.get('/page', async () => 'page')
  const { port, close } = await listen(app)
  proxy.addHook('onClose', async () => { await close() })
  return `http://127.0.0.1:${port}`
}
