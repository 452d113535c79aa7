import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { Duplex, PassThrough } from 'node:stream'
import { connect as connectTls, TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { HandleConnection } from '../../src/transport/handle-connection.ts'
import { mayUseInternals } from '../../src/transport/internals.ts'
import { secureContext } from '../../src/transport/key-material.ts'
import { startHost } from '../helper/host.ts'
import { leafKeys, pem } from '../helper/sockets/keys.ts'
import { modes, openServer } from '../helper/sockets/modes.ts'
import { nextSignal } from '../helper/next-signal.ts'
import { connectRaw, connectRawWebSocket, upgradeRequest } from '../helper/sockets/raw-socket.ts'

const skip = !mayUseInternals && 'without what is not documented of Node'
const NOTHING = new Uint8Array(0)

/** A socket that a server has accepted. */
async function acceptedSocket (t: Test): Promise<Socket> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [socket] = await once(server, 'connection') as [Socket]
  t.teardown(() => {
    client.destroy()
    socket.destroy()
    server.close()
  })
  return socket
}

/** As in a version of Node without a method of handles. */
function withoutHandle (socket: Socket): void {
  Object.defineProperty((socket as unknown as { _handle: object })._handle, 'useUserBuffer', { value: undefined })
}

t.test('takes over only sockets as Node made them, that nobody else reads or writes', { skip }, async t => {
  const socket = await acceptedSocket(t)
  const isTaken = (from: Duplex): boolean => HandleConnection.ofSocket(from, NOTHING, undefined) !== undefined
  t.ok(isTaken(socket))
  t.notOk(isTaken(new PassThrough()))
  t.notOk(isTaken(Duplex.from([])))
  const count = (): void => {}
  for (const event of ['data', 'readable']) {
    socket.on(event, count)
    t.notOk(isTaken(socket), event)
    socket.off(event, count)
  }
  const { write } = socket
  socket.write = write
  t.notOk(isTaken(socket), 'a host watches what is written')
  Reflect.deleteProperty(socket, 'write')
  socket.cork()
  t.notOk(isTaken(socket), 'a host writes')
  socket.uncork()
  t.ok(isTaken(socket))
  withoutHandle(socket)
  t.notOk(isTaken(socket), 'a version of Node without it')
  socket.destroy()
  t.notOk(isTaken(socket), 'a destroyed socket')
})

const context = secureContext(leafKeys)

t.test('takes over only TLS sockets above TCP that write nothing', { skip }, async t => {
  const isTaken = (from: Duplex): boolean => HandleConnection.ofSocket(from, NOTHING, undefined) !== undefined
  const [secure, writing, other] = [await acceptedSocket(t), await acceptedSocket(t), new PassThrough()]
    .map(socket => new TLSSocket(socket, { isServer: true, secureContext: context }))
  writing.write('')
  t.equal(writing.writableLength, 0)
  t.notOk(isTaken(writing), 'an empty write is in progress')
  t.notOk(isTaken(other), 'not above TCP')
  t.ok(isTaken(secure))
  t.notOk(isTaken(secure), 'it has been taken over')
})

t.test('what a host writes to a TLS socket follows what is being sent', { skip }, async t => {
  const server = createServer().listen(0, '127.0.0.1')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca: pem('root.pem') })
  const secure = new TLSSocket((await accepted)[0], { isServer: true, secureContext: context })
  await once(client, 'secureConnect')
  t.teardown(() => {
    client.destroy()
    server.close()
  })
  const connection = HandleConnection.ofSocket(secure, NOTHING, undefined)!
  connection.open({ onData () {}, onClientEnd () {}, onGone () {} })
  connection.write(Buffer.from('one '))
  secure.write('two ')
  secure.cork()
  secure.write('74687265', 'hex')
  secure.write(Buffer.from('e '))
  secure.uncork()
  connection.write(Buffer.from('four'))
  connection.end()
  let text = ''
  for await (const chunk of client) text += String(chunk)
  t.equal(text, 'one two three four')
})

const hosts: Record<string, (socket: Socket) => void> = {
  'that counts what its sockets receive': socket => { socket.on('data', () => {}) },
  'that watches what its sockets send': socket => {
    const { write } = socket
    socket.write = write
  },
  'on a version of Node without it': withoutHandle,
  'as it is': () => {}
}

for (const [what, prepare] of Object.entries(hosts)) {
  t.test(`packets arrive and are sent in a host ${what}`, async t => {
    const { port, server } = await startHost(t, { before: app => { app.server.on('connection', prepare) } })
    server.on('packet', (id, bytes) => { server.getPeer(id).putPacket(bytes) })
    const joined = nextSignal(server, 'client_connected')
    const raw = await connectRawWebSocket(t, port)
    const [id] = await joined
    for (const text of ['one', 'x'.repeat(50_000), 'three']) {
      raw.sendFrame(1, text)
      t.equal((await raw.frame()).payload.toString(), text)
    }
    const left = nextSignal(server, 'client_disconnected')
    raw.socket.destroy()
    t.same(await left, [id, false])
  })
}

for (const mode of modes) {
  t.test(`setNoDelay in a listener of client_connected lasts: ${mode}`, async t => {
    const server = await openServer(t, mode)
    server.on('client_connected', id => { server.getPeer(id).setNoDelay(false) })
    const raw = await connectRaw(t, server.port)
    // Handles of clients are of the same class as accepted ones.
    const { _handle: handle } = raw.socket as unknown as { _handle: { setNoDelay (enabled: boolean): void } }
    const prototype = Object.getPrototypeOf(handle) as typeof handle
    const calls = t.capture(prototype, 'setNoDelay', prototype.setNoDelay)
    raw.send(upgradeRequest('/ws'))
    t.equal((await raw.head()).status, 101)
    t.same(calls().at(-1)?.args, [false])
  })
}

t.test('the socket of a host hears no data, counts bytes, and is closed with the peer', { skip }, async t => {
  const sockets: Socket[] = []
  const { port, server } = await startHost(t, {
    before: app => { app.server.on('connection', socket => { sockets.push(socket) }) }
  })
  server.on('packet', (id, bytes) => { server.getPeer(id).putPacket(bytes) })
  const raw = await connectRawWebSocket(t, port)
  const [socket] = sockets
  const { bytesRead, bytesWritten } = socket
  raw.sendFrame(1, 'four')
  await raw.frame()
  t.equal(socket.listenerCount('data'), 0)
  t.same([socket.bytesRead - bytesRead, socket.bytesWritten - bytesWritten], [10, 6])
  const closed = once(socket, 'close')
  const [{ id }] = server.peers()
  server.disconnectPeer(id)
  raw.sendFrame(8, Buffer.of(3, 232))
  await closed
  t.ok(socket.destroyed)
})

t.test('a peer is gone when its host destroys the socket', { skip }, async t => {
  const sockets: Socket[] = []
  const { server, join } = await startHost(t, {
    before: app => { app.server.on('connection', socket => { sockets.push(socket) }) }
  })
  await join()
  const left = nextSignal(server, 'client_disconnected')
  sockets[0].destroy(new Error('closed by the host'))
  await left
  t.equal(server.peerCount, 0)
})
