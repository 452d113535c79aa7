import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Test } from 'tap'
import t from 'tap'
import { GodotError } from '../../src/error.ts'
import type { ServerOptions } from '../../src/options/option-types.ts'
import { mayUseInternals } from '../../src/transport/internals.ts'
import { SocketConnection } from '../../src/transport/socket-connection.ts'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { leafKeys, pem } from '../helper/sockets/keys.ts'
import { header } from '../helper/memory/memory-client.ts'
import { modes, openServer } from '../helper/sockets/modes.ts'
import { connectRawTls, frame, upgradeRequest } from '../helper/sockets/raw-socket.ts'
import type { RawSocket } from '../helper/sockets/raw-socket.ts'

const SIZE = 30_000
const ca = pem('root.pem')

/** A server that speaks TLS, on its own listener or mounted on an https app. */
async function openTls (
  t: Test, mode: (typeof modes)[number], options: Partial<ServerOptions>
): Promise<WebSocketServer> {
  if (mode === 'own') return await openServer(t, mode, { ...options, ...leafKeys })
  const https = { key: leafKeys.privateKey, cert: leafKeys.sslCertificate + leafKeys.caChain }
  return await openServer(t, mode, options, { https } as object)
}

async function join (t: Test, server: WebSocketServer): Promise<RawSocket> {
  const raw = await connectRawTls(t, server.port, { ca })
  raw.send(upgradeRequest('/ws'))
  await raw.head()
  return raw
}

async function sizes (client: RawSocket, count: number): Promise<number[]> {
  const list: number[] = []
  while (list.length < count) list.push((await client.frame()).payload.length)
  return list
}

function blockLoop (milliseconds: number): void {
  const until = performance.now() + milliseconds
  while (performance.now() < until);
}

const skip = !mayUseInternals && 'without the handle of Node that reports what the system has accepted'

for (const mode of modes) {
  t.test(`plain mode over TLS: bytes sent in one turn are not backlog (${mode})`, { skip }, async t => {
    const server = await openTls(t, mode, {})
    const client = await join(t, server)
    const [peer] = server.peers()
    for (let i = 0; i < 20; i++) peer.putPacket(Buffer.alloc(SIZE))
    t.same(await sizes(client, 20), Array(20).fill(SIZE))
  })

  t.test(`plain mode over TLS: bytes sent before the loop stalled are not backlog (${mode})`, { skip }, async t => {
    const server = await openTls(t, mode, {})
    const client = await join(t, server)
    const [peer] = server.peers()
    for (let tick = 0; tick < 5; tick++) {
      setImmediate(() => { blockLoop(100) })
      for (let i = 0; i < 3; i++) peer.putPacket(Buffer.alloc(SIZE))
      await new Promise(resolve => setTimeout(resolve, 0))
    }
    t.same(await sizes(client, 15), Array(15).fill(SIZE))
  })

  t.test(`relay over TLS: a burst of one member does not close other members (${mode})`, async t => {
    const server = await openTls(t, mode, { gdMpApi: true })
    const members = [await join(t, server), await join(t, server), await join(t, server)]
    const [sender, ...others] = members
    const id = (await sender.frame()).payload.readInt32LE(9)
    const packet = frame(2, Buffer.concat([header(id, 0), Buffer.alloc(SIZE)]))
    for (const stall of [0, 300]) {
      sender.send(Buffer.concat(Array(8).fill(packet)))
      if (stall > 0) setImmediate(() => { blockLoop(stall) })
      for (const other of others) {
        let received = 0
        while (received < 8) if ((await other.frame()).payload.length > SIZE) received++
      }
    }
    t.equal(server.peerCount, 3)
    t.equal(server.monitor.limits['slow-peer'], 0)
  })

  t.test(`TLS: the output buffer fills for a client that does not read (${mode})`, async t => {
    const server = await openTls(t, mode, {})
    const client = await join(t, server)
    client.socket.pause()
    const [peer] = server.peers()
    let error: unknown
    let most = 0
    while (error === undefined) {
      try {
        peer.putPacket(Buffer.alloc(SIZE))
        most = Math.max(most, peer.getCurrentOutboundBufferedAmount())
      } catch (thrown) {
        error = thrown
      }
      await nextTurn()
    }
    t.ok(error instanceof GodotError && error.code === 'ERR_OUT_OF_MEMORY')
    t.ok(most < 6 * 1024 * 1024, `${most} bytes at most`)
    client.socket.destroy()
    await once(client.socket, 'close')
  })
}

t.test('a stream without a TCP handle counts unconfirmed bytes as backlog', async t => {
  const confirm: Array<() => void> = []
  const stream = new Duplex({ read () {}, write (_chunk, _encoding, callback) { confirm.push(callback) } })
  const connection = new SocketConnection(stream, new Uint8Array(0))
  t.same([connection.isFull, connection.unsentBytes], [false, 0])
  connection.write(Buffer.alloc(10))
  t.same([connection.isFull, connection.unsentBytes], [true, 10])
  confirm[0]()
  await nextTurn()
  t.same([connection.isFull, connection.unsentBytes], [false, 0])
})
