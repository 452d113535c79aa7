import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import type { Connection, ConnectionReceiver } from '../../src/transport/connection.ts'
import { HandleConnection } from '../../src/transport/handle-connection.ts'
import { mayUseInternals } from '../../src/transport/internals.ts'
import { SocketConnection } from '../../src/transport/socket-connection.ts'
import { until } from '../helper/until.ts'

const MIB = 1 << 20
const NOTHING = Buffer.alloc(0)

type Accepted = Connection & { handOn (head: Uint8Array): void }

/** The listening handle of Node's server. */
interface Listening { _handle: { onconnection: (error: number, handle: object) => void } }

/** An accepted handle, which calls `onread` when there is something to read. */
interface Accepting { onread: () => void }
let acceptedLast: Accepting

/** Each implementation of a connection: how one is made of what a server of Node accepts. */
const kinds: Record<string, (server: Server, accept: (connection: Accepted) => void) => void> = {
  'a socket of Node' (server, accept) {
    server.on('connection', socket => { accept(new SocketConnection(socket, NOTHING)) })
  },
  'the handle of a socket' (server, accept) {
    server.on('connection', socket => { accept(HandleConnection.ofSocket(socket, NOTHING, undefined)!) })
  },
  'a handle' (server, accept) {
    const { _handle: handle } = server as unknown as Listening
    handle.onconnection = (_error, accepted) => {
      acceptedLast = accepted as Accepting
      accept(HandleConnection.ofHandle(accepted))
    }
  }
}

/** Both ends of a connection; the client does not read yet. */
async function connectPair (t: Test, kind: string): Promise<{ client: Socket, connection: Accepted }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = new Promise<Accepted>(resolve => { kinds[kind](server, resolve) })
  const { port } = server.address() as AddressInfo
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).pause()
  client.on('error', () => {})
  const connection = await accepted
  t.teardown(() => {
    client.destroy()
    connection.destroy()
    server.close()
  })
  return { client, connection }
}

/** Keeps what it receives. */
class Received implements ConnectionReceiver {
  text = ''
  bytes = 0
  ends = 0
  onData (bytes: Uint8Array, length: number): void {
    this.bytes += length
    if (length < 1000) this.text += Buffer.from(bytes.subarray(0, length)).toString()
  }

  onGone (): void {
    this.ends++
  }
}

/** Opens a connection. */
function open (connection: Connection): Received {
  const received = new Received()
  connection.open(received)
  return received
}

/** Writes parts of 1 MiB until the system takes no more; returns them. */
function fill (connection: Connection): Buffer[] {
  const parts: Buffer[] = []
  while (connection.bufferedAmount === 0) {
    parts.push(Buffer.alloc(MIB, `${parts.length} `))
    connection.write(parts.at(-1)!)
  }
  return parts
}

/** Everything that the client receives until the server ends its direction. */
async function readAll (client: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  client.on('data', (chunk: Buffer) => { chunks.push(chunk) }).resume()
  await once(client, 'end')
  return Buffer.concat(chunks)
}

const skip = !mayUseInternals && 'without what is not documented of Node'

for (const kind of Object.keys(kinds)) {
  t.test(kind, { skip: kind !== 'a socket of Node' && skip }, async t => {
    t.test('delivers what arrives, and sends what is written', async t => {
      const { client, connection } = await connectPair(t, kind)
      t.equal(connection.address, '127.0.0.1')
      t.equal(connection.port, client.localPort)
      const received = open(connection)
      client.write('one')
      await until(() => received.text === 'one')
      connection.write(Buffer.from('a'))
      connection.cork()
      connection.write(Buffer.from('b'))
      connection.write(Buffer.from('c'))
      connection.uncork()
      t.equal(connection.bufferedAmount, 0)
      t.notOk(connection.isFull)
      connection.end()
      t.equal((await readAll(client)).toString(), 'abc')
      client.end('two')
      await until(() => received.ends === 1)
      t.equal(received.text, 'onetwo', 'it goes on reading')
    })

    t.test('delay of small writes can be set, also when the connection is over', async t => {
      const { client, connection } = await connectPair(t, kind)
      const received = open(connection)
      for (const isOff of [false, true]) connection.setNoDelay(isOff)
      connection.write(Buffer.from('a'))
      t.equal(String((await once(client.resume(), 'data'))[0]), 'a')
      connection.destroy()
      await until(() => received.ends === 1)
      connection.setNoDelay(false)
    })

    t.test('the next receiver gets what the first has left', async t => {
      const { client, connection } = await connectPair(t, kind)
      const first = open(connection)
      client.write('GET /')
      await until(() => first.text === 'GET /')
      connection.handOn(Buffer.from('early '))
      connection.pause()
      const second = open(connection)
      client.write('late')
      await until(() => second.text === 'early late')
      t.equal(first.text, 'GET /')
    })

    t.test('delivers nothing while it is paused', async t => {
      const { client, connection } = await connectPair(t, kind)
      const received = open(connection)
      connection.pause()
      client.write('x'.repeat(5 * MIB))
      // What the client sends to another connection arrives later.
      const other = await connectPair(t, kind)
      const later = open(other.connection)
      other.client.write('later')
      await until(() => later.text === 'later')
      t.equal(received.bytes, 0)
      connection.resume()
      await until(() => received.bytes === 5 * MIB)
    })

    t.test('pauses behind any chunk, also one that fills the buffer', async t => {
      const { client, connection } = await connectPair(t, kind)
      let bytes = 0
      const onData = (_bytes: Uint8Array, length: number): void => {
        bytes += length
        connection.pause()
        setImmediate(() => { connection.resume() })
      }
      connection.open({ onData, onGone () {} })
      client.write('x'.repeat(MIB))
      await until(() => bytes === MIB)
    })

    t.test('a write that the system does not take at once is confirmed later, and order is kept', async t => {
      const { client, connection } = await connectPair(t, kind)
      let confirmations = 0
      open(connection)
      const parts = fill(connection)
      t.ok(connection.isFull)
      t.equal(connection.bufferedAmount, MIB)
      t.ok(connection.unsentBytes > 0 && connection.unsentBytes <= MIB)
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
      await until(() => confirmations === 1)
      t.equal(connection.bufferedAmount, 0)
    })

    t.test('writes that wait and writes that do not follow each other', async t => {
      const { client, connection } = await connectPair(t, kind)
      open(connection)
      const parts: Buffer[] = []
      const received: Buffer[] = []
      client.on('data', (chunk: Buffer) => { received.push(chunk) })
      for (let i = 0; i < 3; i++) {
        client.pause()
        parts.push(...fill(connection))
        client.resume()
        await new Promise<void>(resolve => { connection.whenWritten(resolve) })
        parts.push(Buffer.from(`small ${i}`))
        connection.write(parts.at(-1)!)
      }
      connection.end()
      await once(client, 'end')
      t.ok(Buffer.concat(received).equals(Buffer.concat(parts)))
    })

    t.test('a destroyed connection confirms what is pending', async t => {
      const { connection } = await connectPair(t, kind)
      const received = open(connection)
      fill(connection)
      const written = new Promise<void>(resolve => { connection.whenWritten(resolve) })
      connection.destroy()
      connection.destroy()
      await written
      await until(() => received.ends === 1)
      t.equal(connection.bufferedAmount, 0)
      connection.write(Buffer.from('nothing happens'))
      connection.pause()
      connection.resume()
      connection.end()
      await new Promise<void>(resolve => { connection.whenWritten(resolve) })
      t.equal(received.ends, 1)
      t.equal(open(connection).ends, 1, 'a late receiver learns it')
    })

    t.test('a client that ends its direction gets what was written before', async t => {
      const { client, connection } = await connectPair(t, kind)
      const received = open(connection)
      const parts = fill(connection)
      client.end('bye')
      await until(() => received.text === 'bye')
      t.equal((await readAll(client)).length, parts.length * MIB)
      await until(() => received.ends === 1)
    })

    t.test('a client that has reset the connection ends it', async t => {
      const { client, connection } = await connectPair(t, kind)
      const received = open(connection)
      client.resetAndDestroy()
      await until(() => received.ends === 1)
      connection.write(Buffer.from('nothing happens'))
    })

    t.test('a write after the client has reset the connection ends it', async t => {
      const { client, connection } = await connectPair(t, kind)
      const received = open(connection)
      connection.pause()
      client.resetAndDestroy()
      const timer = setInterval(() => { connection.write(Buffer.alloc(1000)) }, 1)
      await until(() => received.ends === 1)
      clearInterval(timer)
    })
  })
}

t.test('a handle that had nothing to read after all reads on', { skip }, async t => {
  const { client, connection } = await connectPair(t, 'a handle')
  const received = open(connection)
  acceptedLast.onread()
  client.write('still there')
  await until(() => received.text === 'still there')
})
