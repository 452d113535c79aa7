import t, { type Test } from 'tap'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { leafKeys, pem } from '../helper/sockets/keys.ts'
import { openServer } from '../helper/sockets/modes.ts'
import { nextSignal } from '../helper/next-signal.ts'
import { connectRaw, connectRawTls, upgradeRequest, type RawSocket } from '../helper/sockets/raw-socket.ts'
import { until } from '../helper/until.ts'

/** More than the buffers of a connection take. */
const PACKET = Buffer.alloc(16 << 20, 7)
const options = { outputBufferKb: 65536, pingInterval: 0, closeTimeout: 30 }

type Open = (t: Test) => Promise<{ server: WebSocketServer, raw: RawSocket }>

const kinds: Record<string, Open> = {
  'its own listener': async t => {
    const server = await openServer(t, 'own', options)
    return { server, raw: await connectRaw(t, server.port) }
  },
  'its own listener with TLS': async t => {
    const server = await openServer(t, 'own', { ...options, ...leafKeys })
    return { server, raw: await connectRawTls(t, server.port, { ca: pem('root.pem') }) }
  },
  'the mounted endpoint': async t => {
    const server = await openServer(t, 'mounted', options)
    return { server, raw: await connectRaw(t, server.port) }
  }
}

for (const [kind, open] of Object.entries(kinds)) {
  t.test(`a client that ends its direction while it does not read disconnects at once: ${kind}`, async t => {
    const { server, raw } = await open(t)
    const connected = nextSignal(server, 'client_connected')
    raw.send(upgradeRequest('/ws'))
    await raw.head()
    const [id] = await connected
    const peer = server.getPeer(id)
    let received = 0
    raw.socket.removeAllListeners('data').on('data', ({ length }: Buffer) => { received += length }).pause()
    peer.putPacket(PACKET)
    await until(() => peer.getCurrentOutboundBufferedAmount() > 0)
    const left = nextSignal(server, 'client_disconnected')
    raw.socket.end()
    t.same(await left, [id, false])
    t.throws(() => { peer.putPacket(Buffer.of(1)) }, { code: 'FAILED' })
    raw.socket.resume()
    t.equal(await raw.end(), 'end')
    t.equal(received, PACKET.length + 10, 'what was sent before has arrived')
  })
}
