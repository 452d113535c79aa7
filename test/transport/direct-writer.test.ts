import { once } from 'node:events'
import type { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import t from 'tap'
import { DirectWriter } from '../../src/transport/direct-writer.ts'
import { SocketConnection } from '../../src/transport/socket-connection.ts'
import { startHost } from '../helper/host.ts'
import { connectRawWebSocket } from '../helper/raw-socket.ts'
import { connectPair } from '../helper/socket-pair.ts'
import { withTimeout } from '../helper/with-timeout.ts'

/** Everything that the client receives until the connection ends. */
async function readAll (client: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  client.on('data', (chunk: Buffer) => { chunks.push(chunk) }).resume()
  await once(client, 'close')
  return Buffer.concat(chunks)
}

t.test('what the system takes at once is not pending', async t => {
  const { client, socket } = await connectPair(t)
  const writer = DirectWriter.of(socket, () => { t.fail('nothing was pending') })!
  for (const text of ['a', 'b']) {
    writer.write(Buffer.from(text))
    t.equal(writer.pending, 0)
  }
  t.equal(socket.bytesWritten, 2)
  socket.end('c')
  t.equal((await readAll(client)).toString(), 'abc')
})

t.test('a write that the system does not take at once is confirmed later, and order is kept', async t => {
  const { client, socket } = await connectPair(t)
  let confirmations = 0
  const connection = new SocketConnection(socket, Buffer.alloc(0))
  connection.open({ onData () {}, onGone () {} })
  const parts: Buffer[] = []
  for (let i = 0; connection.bufferedAmount === 0; i++) {
    const part = Buffer.alloc(1 << 20, `${i} `)
    parts.push(part)
    connection.write(part)
  }
  t.ok(connection.isFull)
  t.equal(connection.bufferedAmount, 1 << 20)
  connection.whenWritten(() => { confirmations++ })
  connection.write(Buffer.from('behind'))
  connection.cork()
  connection.write(Buffer.from('corked '))
  connection.write(Buffer.from('twice'))
  connection.uncork()
  t.equal(confirmations, 0)
  connection.end()
  const all = await readAll(client)
  t.ok(all.equals(Buffer.concat([...parts, Buffer.from('behindcorked twice')])))
  t.equal(confirmations, 1)
  t.equal(connection.bufferedAmount, 0)
})

t.test('a destroyed connection confirms what is pending', async t => {
  const { socket } = await connectPair(t)
  const connection = new SocketConnection(socket, Buffer.alloc(0))
  const gone = new Promise<void>(resolve => { connection.open({ onData () {}, onGone: resolve }) })
  while (connection.bufferedAmount === 0) connection.write(Buffer.alloc(1 << 20))
  const written = new Promise<void>(resolve => { connection.whenWritten(resolve) })
  connection.destroy()
  await Promise.all([gone, written])
  t.equal(connection.bufferedAmount, 0)
  connection.write(Buffer.from('nothing happens'))
})

t.test('a client that has reset the connection ends it', async t => {
  const { client, socket } = await connectPair(t)
  const connection = new SocketConnection(socket, Buffer.alloc(0))
  const gone = new Promise<void>(resolve => { connection.open({ onData () {}, onGone: resolve }) })
  client.resetAndDestroy()
  const timer = setInterval(() => { connection.write(Buffer.alloc(1000)) }, 1)
  await withTimeout(20, () => 'the end of the connection', gone)
  clearInterval(timer)
  t.equal(socket.destroyed, true)
})

t.test('only for sockets as Node made them', async t => {
  const { socket } = await connectPair(t)
  const of = (): DirectWriter | undefined => DirectWriter.of(socket, () => {})
  t.equal(DirectWriter.of(new PassThrough(), () => {}), undefined)
  t.not(of(), undefined)
  const { write } = socket
  socket.write = write
  t.equal(of(), undefined, 'a host watches what is written')
  Reflect.deleteProperty(socket, 'write')
  withoutHandle(socket)
  t.equal(of(), undefined, 'a version of Node without it')
  socket.destroy()
  t.equal(of(), undefined, 'a destroyed socket')
})

function withoutHandle (socket: Socket): void {
  Object.defineProperty((socket as unknown as { _handle: object })._handle, 'writeQueueSize', { value: undefined })
}

t.test('packets are sent in a host on a version of Node without it', async t => {
  const { port, server } = await startHost(t, { before: app => { app.server.on('connection', withoutHandle) } })
  server.on('packet', (id, bytes) => { server.getPeer(id).putPacket(bytes) })
  const raw = await connectRawWebSocket(t, port)
  for (const text of ['one', 'x'.repeat(60_000), 'three']) {
    raw.sendFrame(1, text)
    t.equal((await raw.frame()).payload.toString(), text)
  }
})

t.test('a connection that has written nothing confirms at once', async t => {
  const { socket } = await connectPair(t)
  withoutHandle(socket)
  const connection = new SocketConnection(socket, Buffer.alloc(0))
  connection.open({ onData () {}, onGone () {} })
  await withTimeout(20, () => 'the confirmation', new Promise<void>(resolve => { connection.whenWritten(resolve) }))
  t.equal(connection.bufferedAmount, 0)
})
