import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { startHost } from '../../helper/host.ts'
import { connectRaw, connectRawWebSocket, upgradeRequest } from '../../helper/sockets/raw-socket.ts'

t.test('what a plugin appends to the hooks of the route runs before the 101', async t => {
  const { port } = await startHost(t, {
    before: app => {
      // As @fastify/rate-limit with `hook: 'preHandler'` does.
      app.addHook('onRoute', route => {
        const guard = async (): Promise<never> => { throw Object.assign(new Error('slow down'), { statusCode: 429 }) }
        route.preHandler = [route.preHandler ?? [], guard].flat()
      })
    }
  })
  const raw = await connectRaw(t, port)
  raw.send(upgradeRequest('/ws'))
  const { status, headers } = await raw.response()
  t.equal(status, 429)
  t.equal(headers.connection, 'close')
})

t.test('the 101 has the headers and cookies that hooks of the host set, in whatever way', async t => {
  const { port } = await startHost(t, {
    before: app => {
      app.addHook('onRequest', async (_request, reply) => {
        reply.header('x-request', '1')
        reply.raw.setHeader('x-raw', '2')
        reply.header('set-cookie', 'a=1').header('set-cookie', 'b=2')
      })
      app.addHook('onSend', async (_request, reply) => {
        await nextTurn()
        reply.header('x-send', '3')
      })
    }
  })
  const raw = await connectRaw(t, port)
  raw.send(upgradeRequest('/ws'))
  const { status, headers } = await raw.head()
  t.equal(status, 101)
  t.match(headers, { 'x-request': '1', 'x-raw': '2', 'x-send': '3', 'set-cookie': 'b=2', connection: 'Upgrade' })
})

t.test('the 101 has no header of a connection, a body or the handshake, no invalid one, and fits Godot', async t => {
  const { port } = await startHost(t, {
    before: app => {
      app.addHook('onSend', async (_request, reply) => {
        for (const [name, value] of Object.entries({
          connection: 'close',
          'Keep-Alive': 'timeout=5',
          'transfer-encoding': 'chunked',
          upgrade: 'h2c',
          'content-length': '5',
          'sec-websocket-accept': 'none',
          'Sec-WebSocket-Extensions': 'x',
          'x-lines': 'a\r\nx-injected: b',
          'x-wide': '\u0100',
          'x-long': 'x'.repeat(4000),
          'x-fits': 'yes'
        })) reply.header(name, value)
      })
    }
  })
  const raw = await connectRaw(t, port)
  raw.send(upgradeRequest('/ws'))
  const { status, headers } = await raw.head()
  t.equal(status, 101)
  t.same(Object.keys(headers).sort(), ['connection', 'sec-websocket-accept', 'upgrade', 'x-fits'])
  t.match(headers, {
    connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
  })
})

t.test('an onSend hook of the host that fails refuses the client', async t => {
  const { port, server } = await startHost(t, {
    before: app => {
      app.addHook('onSend', async ({ headers }) => {
        if (headers['x-fail'] !== undefined) throw new Error('no store')
      })
    }
  })
  const raw = await connectRaw(t, port)
  raw.send(upgradeRequest('/ws', { 'X-Fail': '1' }))
  const { status, headers } = await raw.head()
  t.equal(status, 500)
  t.equal(headers.connection, 'close')
  await raw.end()
  t.same(server.countPeers(), { open: 0, closing: 0, pending: 0 })
  await connectRawWebSocket(t, port)
})

t.test('a client is refused in time while onSend hooks of the host take theirs', async t => {
  const { port, server } = await startHost(t, {
    server: { handshakeTimeout: 0.1 },
    before: app => { app.addHook('onSend', async () => { await new Promise(() => {}) }) }
  })
  const raw = await connectRaw(t, port)
  raw.send(upgradeRequest('/ws'))
  t.equal((await raw.response()).status, 408)
  await raw.end()
  t.same(server.countPeers(), { open: 0, closing: 0, pending: 0 })
})

t.test('the host\'s handlerTimeout does not affect clients that have joined', async t => {
  const { port } = await startHost(t, { fastify: { handlerTimeout: 50 } as object })
  const raw = await connectRawWebSocket(t, port)
  const frames = new Set<string>()
  for (const end = performance.now() + 100; performance.now() < end;) {
    raw.sendFrame(9, 'still here')
    const { opcode, payload } = await raw.frame()
    frames.add(`${opcode}: ${payload.toString()}`)
  }
  t.same([...frames], ['10: still here'])
})
