import { once } from 'node:events'
import t from 'tap'
import { WebSocket } from 'ws'
import { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import { stopTime } from '../../helper/clock.ts'
import { FrameClient, nextTurn } from '../../helper/memory/frame-client.ts'
import { openMemoryServer } from '../../helper/memory/memory-server.ts'
import { connectRaw, upgradeRequest } from '../../helper/sockets/raw-socket.ts'
import { silentLogger } from '../../helper/silent-logger.ts'
import { until } from '../../helper/until.ts'

/** Seconds that a client may take to answer a close frame. */
const closeTimeout = 0.05
/** Milliseconds for which the process stalls: longer than `closeTimeout`. */
const STALL = 150

/** Ways to close a peer: each sends a close frame at the end of the turn. */
const ways: Readonly<Record<string, (server: WebSocketServer) => unknown>> = {
  disconnectPeer: server => { server.disconnectPeer([...server.peers()][0].id, 4001, 'kicked') },
  ban: server => { server.ban('127.0.0.1') },
  closeRoom: server => { server.room('arena').close() },
  stop: server => { server.stop() }
}

function stall (): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STALL)
}

for (const lastWords of [false, true]) {
  for (const [name, close] of Object.entries(ways)) {
    await t.test(`${name}, lastWords ${lastWords}: a client gets the close frame of a process that stalls`, async t => {
      const options = { rooms: true, lastWords, closeTimeout, bindIp: '127.0.0.1', log: silentLogger }
      const server = new WebSocketServer(options)
      t.teardown(async () => { await server.stop() })
      await server.listen(0)
      const client = new WebSocket(`ws://127.0.0.1:${server.port}/ws/arena`)
      await once(client, 'open')
      server.room('arena').broadcast(0, Buffer.from('last'))
      const closed = once(client, 'close')
      setImmediate(() => {
        close(server)
        stall()
      })
      t.not((await closed)[0], 1006)
    })
  }
}

const waysToCloseAll: Readonly<Record<string, (server: WebSocketServer) => unknown>> = {
  'close of each peer': server => { for (const peer of server.peers()) peer.close(4001) },
  'close of the room': server => { server.room('main').close() },
  'stop of the server': server => server.stop()
}

for (const [name, close] of Object.entries(waysToCloseAll)) {
  t.test(`an answer to the close frame that is read in the turn in which it is due is in time: ${name}`, async t => {
    const clock = stopTime(t)
    const server = await openMemoryServer({ rooms: true, lastWords: false, closeTimeout: 2 })
    const clients = Array.from({ length: 6 }, () => new FrameClient(server))
    const peers = [...server.peers()]
    const closed = close(server)
    await nextTurn()
    clock.advance(2000)
    for (const client of clients.slice(0, 3)) client.close(4001)
    await nextTurn()
    t.same(peers.map(({ end }) => end?.outcome).sort(), [
      'clean', 'clean', 'clean', 'timeout', 'timeout', 'timeout'
    ])
    t.ok(clients.every(({ connection }) => connection.isEnded))
    await closed
    await server.stop()
  })
}

t.test('a request that arrives while the process stalls is in time', async t => {
  const server = new WebSocketServer({ handshakeTimeout: 0.05, bindIp: '127.0.0.1', log: silentLogger })
  t.teardown(async () => { await server.stop() })
  await server.listen(0)
  const raw = await connectRaw(t, server.port)
  await until(() => server.countPeers().pending === 1)
  raw.send(upgradeRequest('/ws'))
  stall()
  t.equal((await raw.head()).status, 101)
})
