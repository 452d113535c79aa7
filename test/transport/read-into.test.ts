import { once } from 'node:events'
import type { Socket } from 'node:net'
import { Duplex, PassThrough } from 'node:stream'
import t from 'tap'
import { readInto } from '../../src/transport/read-into.ts'
import { nextSignal } from '../helper/next-signal.ts'
import { startHost } from '../helper/host.ts'
import { connectRawWebSocket } from '../helper/raw-socket.ts'
import { connectPair } from '../helper/socket-pair.ts'

t.test('a socket reads into the buffer, and pauses when the callback returns false', async t => {
  const { client, socket } = await connectPair(t)
  const buffer = new Uint8Array(4)
  const chunks: string[] = []
  let wake = (): void => {}
  t.ok(readInto(socket, buffer, length => {
    chunks.push(Buffer.from(buffer.subarray(0, length)).toString())
    wake()
    return false
  }))
  client.write('abcdefgh')
  for (const expected of [['abcd'], ['abcd', 'efgh']]) {
    const read = new Promise<void>(resolve => { wake = resolve })
    socket.resume()
    await read
    t.same(chunks, expected)
  }
  const ended = once(socket, 'end')
  client.end()
  socket.resume()
  await ended
})

t.test('leaves other sockets, and sockets with other data listeners, unchanged', async t => {
  const { socket } = await connectPair(t)
  const read = (socket: Duplex): boolean => readInto(socket, new Uint8Array(4), () => true)
  t.notOk(read(new PassThrough()))
  t.notOk(read(Duplex.from([])))
  const count = (): void => {}
  for (const event of ['data', 'readable']) {
    socket.on(event, count)
    t.notOk(read(socket), event)
    socket.off(event, count)
  }
  Object.defineProperty((socket as unknown as { _handle: object })._handle, 'useUserBuffer', { value: undefined })
  t.notOk(read(socket), 'a version of Node without it')
  socket.destroy()
  t.notOk(read(socket), 'a destroyed socket')
})

const withoutIt: Record<string, (socket: Socket) => void> = {
  'that counts what its sockets receive': socket => { socket.on('data', () => {}) },
  'on a version of Node without it': socket => {
    Object.defineProperty((socket as unknown as { _handle: object })._handle, 'useUserBuffer', { value: undefined })
  }
}

for (const [what, prepare] of Object.entries(withoutIt)) {
  t.test(`packets arrive in a host ${what}`, async t => {
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

t.test('a peer of a mounted endpoint reads into the shared buffer, without events of its socket', async t => {
  const sockets: Socket[] = []
  const { join } = await startHost(t, {
    before: app => { app.server.on('connection', socket => { sockets.push(socket) }) }
  })
  await join()
  t.same(sockets.map(socket => socket.listenerCount('data')), [0])
})
