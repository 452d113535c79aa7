import { execFile } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { promisify } from 'node:util'
import pino from 'pino'
import type { Test } from 'tap'
import t from 'tap'
import { internalsOf } from '../../src/core/server/internals.ts'
import type { ServerOptions } from '../../src/options/option-types.ts'
import { stopTime } from '../helper/clock.ts'
import { closePayload, frame } from '../helper/sockets/raw-frame.ts'
import { modes, openServer } from '../helper/sockets/modes.ts'
import { connectRaw, connectRawWebSocket, upgradeRequest, type RawSocket } from '../helper/sockets/raw-socket.ts'
import { sessionOf } from '../helper/internals.ts'
import { nextSignal } from '../helper/next-signal.ts'
import { until } from '../helper/until.ts'

/** A logger and its lines. */
function openLog () {
  const lines: string[] = []
  return { lines, loggerInstance: pino({ level: 'debug' }, { write: line => { lines.push(line) } }) }
}

/** Sends an upgrade request and reads the response. */
async function ask (t: Test, port: number, headers: Record<string, string> = {}, path = '/ws') {
  const raw = await connectRaw(t, port)
  raw.send(upgradeRequest(path, headers))
  const answer = await raw.response()
  return {
    raw,
    ...answer,
    problem: answer.body === ''
      ? undefined
      : JSON.parse(answer.body) as { code: string, detail: string, status: number }
  }
}

for (const mode of modes) {
  t.test(mode, async t => {
    type Refusal = [
      what: string, options: Partial<ServerOptions>, headers: Record<string, string>, status: number, code: string,
      detail: RegExp
    ]
    const refusals: Refusal[] =
      [
        ['a page of another host', {}, { Origin: 'https://evil.example' }, 403, 'origin-refused', /allowedOrigins/],
        ['a page whose origin is not listed', {
          allowedOrigins: ['https://game.example']
        }, { Origin: 'http://127.0.0.1' }, 403, 'origin-refused', /allowedOrigins/],
        ['a client that onHandshake refuses', {
          onHandshake: () => ({ status: 401, reason: 'who are you?' })
        }, {}, 401, 'join-refused', /who are you/],
        ['a client when onHandshake throws', {
          onHandshake: async () => { throw new Error('secret') }
        }, {}, 500, 'join-failed', /see its log/],
        ['every client while it refuses connections', { refuseNewConnections: true }, {}, 503, 'refusing-connections', /refusing/]
      ]
    for (const [what, options, headers, status, code, detail] of refusals) {
      await t.test(`refuses ${what}`, async t => {
        const server = await openServer(t, mode, options)
        const answer = await ask(t, server.port, headers)
        t.equal(answer.status, status)
        t.match(answer.headers, { 'content-type': /^application\/problem\+json/ })
        t.match(answer.problem, { code, detail, status })
        t.equal(/^\d+$/.test(answer.headers['retry-after']), status === 503)
        t.same([server.peerCount, server.countPeers().pending], [0, 0])
      })
    }

    for (const [what, options, headers] of [
      ['a page of the same host', {}, { Origin: 'http://127.0.0.1:3000' }],
      ['a page whose origin is listed', { allowedOrigins: ['https://game.example'] }, { Origin: 'https://game.example' }],
      ['any page', { allowedOrigins: '*' }, { Origin: 'https://evil.example' }],
      ['a client that onHandshake accepts', {
        onHandshake: ({ token }) => token === 'good' ? {} : { status: 403 }
      }, { Authorization: 'Bearer good' }]
    ] satisfies Array<[string, Partial<ServerOptions>, Record<string, string>]>) {
      await t.test(`accepts ${what}`, async t => {
        const server = await openServer(t, mode, options)
        t.equal((await ask(t, server.port, headers)).status, 101)
      })
    }

    await t.test('a full server responds with 503 until a peer leaves', async t => {
      const server = await openServer(t, mode, { maxPeers: 1 })
      const first = await connectRawWebSocket(t, server.port)
      const answer = await ask(t, server.port)
      t.match([answer.status, answer.problem?.code, answer.headers['retry-after']], [503, 'server-full', '1'])
      const left = nextSignal(server, 'client_disconnected')
      first.sendFrame(8, closePayload(1000, ''))
      await left
      t.equal((await ask(t, server.port)).status, 101)
    })

    await t.test('a banned address gets 403, and its peers are closed with 1008', async t => {
      const server = await openServer(t, mode)
      const peer = await connectRawWebSocket(t, server.port)
      server.ban('127.0.0.0/8', { reason: 'rude' })
      t.same(await peer.close(), { code: 1008, reason: 'rude' })
      t.match((await ask(t, server.port)).problem, { status: 403, code: 'banned', detail: 'banned: rude' })
      server.unban('127.0.0.0/8')
      t.equal((await ask(t, server.port)).status, 101)
    })

    await t.test('handshakeTimeout applies while onHandshake is pending', async t => {
      const clock = stopTime(t)
      let asked = false
      const server = await openServer(t, mode, {
        handshakeTimeout: 2,
        onHandshake: async () => await new Promise(() => { asked = true })
      })
      const answer = ask(t, server.port)
      await until(() => asked)
      clock.advance(1990)
      t.equal(server.monitor.limits['handshake-timeout'], 0)
      clock.advance(20)
      const { raw, status, problem } = await answer
      t.match([status, problem?.code], [408, 'handshake-timeout'])
      await raw.end()
      t.same([server.countPeers().pending, server.monitor.limits['handshake-timeout']], [0, 1])
    })

    await t.test('handshakeTimeout includes the time that the request took', async t => {
      const clock = stopTime(t)
      let asked = false
      const server = await openServer(t, mode, {
        handshakeTimeout: 2,
        onHandshake: async () => await new Promise(() => { asked = true })
      })
      const sockets: unknown[] = []
      const accepted = (socket: unknown): void => { sockets.push(socket) }
      subscribe('net.server.socket', accepted)
      t.teardown(() => { unsubscribe('net.server.socket', accepted) })
      const raw = await connectRaw(t, server.port)
      raw.send('GET /ws HT')
      await until(() => sockets.length + server.countPeers().pending > 0)
      clock.advance(1500)
      raw.send(upgradeRequest('/ws').slice('GET /ws HT'.length))
      await until(() => asked)
      t.equal(server.monitor.limits['handshake-timeout'], 0)
      clock.advance(600)
      t.equal((await raw.head()).status, 408)
      await raw.end()
    })

    await t.test('refuses handshakes above maxPendingHandshakes', async t => {
      let letIn: (() => void) | undefined
      const server = await openServer(t, mode, {
        maxPendingHandshakes: 1,
        onHandshake: async () => await new Promise(resolve => { letIn = () => { resolve({}) } })
      })
      const first = ask(t, server.port)
      await until(() => letIn !== undefined)
      const { status, problem } = await ask(t, server.port)
      t.match([status, problem?.code], [503, 'too-many-handshakes'])
      letIn!()
      t.equal((await first).status, 101)
    })

    await t.test('a client that disconnects while onHandshake is pending leaves nothing behind', async t => {
      let letIn: (() => void) | undefined
      const server = await openServer(t, mode, {
        onHandshake: async () => await new Promise(resolve => { letIn = () => { resolve({}) } })
      })
      const raw = await connectRaw(t, server.port)
      raw.send(upgradeRequest('/ws'))
      await until(() => letIn !== undefined)
      raw.socket.resetAndDestroy()
      letIn!()
      await until(() => server.countPeers().pending + server.peerCount === 0)
      t.equal((await startJoin(t, server.port, () => { letIn!() })).status, 101)
    })

    await t.test('a client that has left while onHandshake was pending does not stay', async t => {
      const letIn: Array<() => void> = []
      const server = await openServer(t, mode, {
        pingInterval: 0,
        onHandshake: async () => await new Promise(resolve => { letIn.push(() => { resolve({}) }) })
      })
      const raw = await connectRaw(t, server.port)
      raw.send(upgradeRequest('/ws'))
      await until(() => letIn.length === 1)
      raw.socket.end()
      // What another client sends arrives later.
      const other = ask(t, server.port)
      await until(() => letIn.length === 2)
      for (const accept of letIn) accept()
      t.equal((await other).status, 101)
      await until(() => server.countPeers().pending === 0 && server.peerCount === 1)
    })

    const waysToLeave: Record<string, (raw: RawSocket) => void> = {
      'ends its direction': raw => { raw.socket.end() },
      'closes the connection': raw => { raw.socket.destroy() },
      'resets the connection': raw => { raw.socket.resetAndDestroy() }
    }
    for (const [how, leave] of Object.entries(waysToLeave)) {
      await t.test(`a client that ${how} while onHandshake or a poll is awaited does not join`, async t => {
        const signals: string[] = []
        let asked = 0
        const server = await openServer(t, mode, {
          autoPoll: false,
          maxPeers: 1,
          maxPeersPerAddress: 1,
          onHandshake: async ({ query }) => {
            asked++
            if (query.wait !== undefined) await new Promise(() => {})
          }
        })
        server.on('client_connected', () => { signals.push('connected') })
        server.on('client_disconnected', () => { signals.push('disconnected') })
        for (const path of ['/ws?wait', '/ws']) {
          const raw = await connectRaw(t, server.port)
          raw.socket.on('error', () => {})
          asked = 0
          raw.send(Buffer.concat([Buffer.from(upgradeRequest(path)), frame(2, 'early')]))
          await until(() => asked === 1 && server.countPeers().pending === 1)
          leave(raw)
          await until(() => server.countPeers().pending === 0)
        }
        server.poll()
        t.same(signals, [])
        const answer = ask(t, server.port)
        await until(() => {
          server.poll()
          return signals.length > 0
        })
        t.equal((await answer).status, 101, 'its place is free')
        t.same(signals, ['connected'])
      })
    }

    await t.test('does not log tokens', async t => {
      const { lines, loggerInstance } = openLog()
      const server = await openServer(t, mode, {
        onHandshake: ({ token }) => {
          throw new Error(token === 'geheim' ? 'known' : 'unknown')
        }
      }, { loggerInstance })
      await ask(t, server.port, {}, '/ws?token=geheim')
      t.match(lines.join(''), 'onHandshake failed')
      t.match(lines.join(''), 'token=***')
      t.notMatch(lines.join(''), 'geheim')
    })

    await t.test('reads a peer above its rate limit more slowly; no loss, no effect on others', async t => {
      const clock = stopTime(t)
      const server = await openServer(t, mode, { maxPacketsPerSecond: 100 })
      const peer = await connectRawWebSocket(t, server.port)
      let received = 0
      server.on('packet', () => { received++ })
      for (let i = 0; i < 150; i++) peer.sendFrame(2, Buffer.of(i))
      let milliseconds = 0
      await until(() => {
        if ([...server.peers()][0].isPaused) {
          clock.advance(10)
          milliseconds += 10
        }
        return received === 150
      })
      t.ok(milliseconds >= 500 && milliseconds < 700, `${milliseconds} ms`)
      t.ok(server.monitor.limits['packet-rate'] > 0)
      t.equal(server.peerCount, 1)
    })

    await t.test('closes a flooding peer with 1008', async t => {
      const clock = stopTime(t)
      const server = await openServer(t, mode, { maxBytesPerSecond: 10_000 })
      const peer = await connectRawWebSocket(t, server.port)
      const ended = new Promise(resolve => server.monitor.events.on('left', (_peer, end) => { resolve(end) }))
      const [flooding] = server.peers()
      await until(() => {
        if (!peer.socket.writableNeedDrain) peer.sendFrame(2, Buffer.alloc(2000))
        if (flooding.isPaused) clock.advance(100)
        return flooding.state === 'closing'
      })
      t.same(await peer.close(), { code: 1008, reason: 'rate limit' })
      peer.sendFrame(8, closePayload(1008, ''))
      t.match(await ended, { cause: 'flood', code: 1008, outcome: 'clean' })
    })

    await t.test('closes a peer that leaves pings unanswered for two intervals, not one that answers', async t => {
      const clock = stopTime(t)
      const server = await openServer(t, mode, { pingInterval: 40 })
      const [deaf, quiet] = [await connectRawWebSocket(t, server.port), await connectRawWebSocket(t, server.port)]
      const idOf = ({ socket }: RawSocket): number =>
        [...server.peers()].find(peer => peer.getConnectedPort() === socket.localPort)!.id
      const [deafId, session] = [idOf(deaf), sessionOf(server, idOf(quiet))!]
      clock.advance(40_000)
      for (const raw of [deaf, quiet]) t.equal((await raw.frame()).opcode, 9)
      quiet.sendFrame(10)
      await until(() => session.missedHeartbeats === 0)
      clock.advance(39_000)
      t.equal(server.peerCount, 2)
      const left = nextSignal(server, 'client_disconnected')
      clock.advance(2000)
      t.same(await left, [deafId, false])
      t.equal(server.monitor.limits['silent-peer'], 1)
      t.equal(server.peerCount, 1)
    })

    await t.test('the refusal of a curl request explains the error', async t => {
      const server = await openServer(t, mode, { refuseNewConnections: true })
      const upgrade = [
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
      ].flatMap(line => ['-H', line])
      const { stdout } = await promisify(execFile)('curl', [
        '-s', '-i', '--http1.1', '--max-time', '5', ...upgrade, `http://127.0.0.1:${server.port}/ws`
      ])
      t.match(stdout, /^HTTP\/1.1 503 /)
      t.match(stdout, /retry-after: 1/i)
      t.match(stdout, /"code":"refusing-connections"/)
      const plain =
        await promisify(execFile)('curl', ['-s', '-i', '--max-time', '5', `http://127.0.0.1:${server.port}/ws`])
      t.match(plain.stdout, /^HTTP\/1.1 426 /)
      t.match(plain.stdout, /upgrade: websocket/i)
    })
  })
}

async function startJoin (t: Test, port: number, then: () => void) {
  const answer = ask(t, port)
  const timer = setInterval(then, 5)
  t.teardown(() => { clearInterval(timer) })
  return await answer
}

t.test('behind a trusted proxy the limit counts the clients, not the proxy', async t => {
  const server = await openServer(t, 'mounted', { maxPeersPerAddress: 1 }, { trustProxy: '127.0.0.1' })
  t.equal((await ask(t, server.port, { 'X-Forwarded-For': '192.0.2.7' })).status, 101)
  const { status, problem } = await ask(t, server.port, { 'X-Forwarded-For': '203.0.113.1, 192.0.2.7' })
  t.match([status, problem?.code], [429, 'address-limit'])
  t.equal((await ask(t, server.port, { 'X-Forwarded-For': '192.0.2.8' })).status, 101)
  t.equal((await ask(t, server.port, { 'X-Forwarded-For': '::ffff:192.0.2.9' })).status, 101)
  t.same([...server.peers()].map(peer => peer.getConnectedHost()).sort(), ['192.0.2.7', '192.0.2.8', '192.0.2.9'])
})

t.test('normalises the address that a trusted proxy sends', async t => {
  const server = await openServer(t, 'mounted', { maxPeersPerAddress: 1 }, { trustProxy: '127.0.0.1' })
  const spellings = ['203.0.113.9', '203.0.113.9:50001', '::ffff:cb00:7109', '"[::ffff:203.0.113.9]:50001"']
  for (const forwarded of spellings) {
    const { raw, status } = await ask(t, server.port, { 'X-Forwarded-For': forwarded })
    t.equal(status, 101)
    t.same([...server.peers()].map(peer => peer.getConnectedHost()), ['203.0.113.9'])
    for (const again of spellings) {
      t.equal((await ask(t, server.port, { 'X-Forwarded-For': again })).problem?.code, 'address-limit')
    }
    server.ban('203.0.113.9')
    t.equal((await raw.close()).code, 1008)
    t.equal((await ask(t, server.port, { 'X-Forwarded-For': forwarded })).problem?.code, 'banned')
    server.unban('203.0.113.9')
    raw.socket.destroy()
    await until(() => internalsOf(server).admission.counts.connections.size === 0)
  }
})

t.test('uses the address of the proxy if X-Forwarded-For is not an address', async t => {
  const server = await openServer(t, 'mounted', {}, { trustProxy: '127.0.0.1' })
  for (const forwarded of ['unknown', '_secret', 'x'.repeat(5000)]) {
    t.equal((await ask(t, server.port, { 'X-Forwarded-For': forwarded })).status, 101)
  }
  t.same([...server.peers()].map(peer => peer.getConnectedHost()), ['127.0.0.1', '127.0.0.1', '127.0.0.1'])
})

for (const mode of modes) {
  t.test(`half-open connections count for their address: ${mode}`, async t => {
    const server = await openServer(t, mode, { maxPeersPerAddress: 2, closeTimeout: 5 })
    // Loopback is exempt from the limit, but is counted.
    const raw = await connectRawWebSocket(t, server.port)
    raw.sendFrame(3, 'reserved opcode')
    t.equal((await raw.close()).code, 1002)
    await until(() => server.peerCount === 0)
    t.same([...internalsOf(server).admission.counts.connections], [['127.0.0.1', 1]])
    raw.socket.destroy()
    await until(() => internalsOf(server).admission.counts.connections.size === 0)
    t.equal(server.countPeers().pending, 0)
  })
}

t.test('ignores the headers of a proxy that is not trusted', async t => {
  const server = await openServer(t, 'mounted', { maxPeersPerAddress: 1 })
  server.ban('192.0.2.7')
  t.equal((await ask(t, server.port, { 'X-Forwarded-For': '192.0.2.7' })).status, 101)
  t.equal([...server.peers()][0].getConnectedHost(), '127.0.0.1')
})

t.test('behind a trusted proxy the origin is compared with X-Forwarded-Host', async t => {
  const server = await openServer(t, 'mounted', {}, { trustProxy: '127.0.0.1' })
  const headers = { Origin: 'https://game.example', 'X-Forwarded-Host': 'game.example' }
  t.equal((await ask(t, server.port, headers)).status, 101)
  t.equal((await ask(t, server.port, { ...headers, 'X-Forwarded-Host': 'other.example' })).status, 403)
})
