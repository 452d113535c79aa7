import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { connect as connectTls, TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import type { Connection, ConnectionReceiver } from '../../src/transport/connection.ts'
import { HandleConnection } from '../../src/transport/handle-connection.ts'
import { mayUseInternals } from '../../src/transport/internals.ts'
import { secureContext } from '../../src/transport/key-material.ts'
import { SocketConnection } from '../../src/transport/socket-connection.ts'
import { nextTurn } from '../helper/memory/frame-client.ts'
import { leafKeys, pem } from '../helper/sockets/keys.ts'
import { until } from '../helper/until.ts'

const MIB = 1 << 20
const NOTHING = Buffer.alloc(0)
const context = secureContext(leafKeys)
const ca = pem('root.pem')

type Accepted = Connection & { handOn (head: Uint8Array): void }

/** The listening handle of Node's server. */
interface Listening { _handle: { onconnection: (error: number, handle: object) => void } }

/** An accepted handle, which calls `onread` when there is something to read. */
interface Accepting { onread: () => void }
let acceptedLast: Accepting

/** An implementation of a connection: how one is made of what a server of Node accepts. */
interface Kind {
  readonly isTls?: boolean
  listen (server: Server, accept: (connection: Accepted) => void): void
}

const kinds: Record<string, Kind> = {
  'a socket of Node': {
    listen (server, accept) {
      server.on('connection', socket => { accept(new SocketConnection(socket, NOTHING)) })
    }
  },
  'the handle of a socket': {
    listen (server, accept) {
      server.on('connection', socket => { accept(HandleConnection.ofSocket(socket, NOTHING, undefined)!) })
    }
  },
  'a handle': {
    listen (server, accept) {
      const { _handle: handle } = server as unknown as Listening
      handle.onconnection = (_error, accepted) => {
        acceptedLast = accepted as Accepting
        accept(HandleConnection.ofHandle(accepted))
      }
    }
  },
  'a TLS socket of Node': {
    isTls: true,
    listen (server, accept) {
      server.on('connection', socket => { accept(new SocketConnection(encrypted(socket), NOTHING)) })
    }
  },
  'the handle of a TLS socket': {
    isTls: true,
    listen (server, accept) {
      server.on('connection', socket => { accept(HandleConnection.ofSocket(encrypted(socket), NOTHING, undefined)!) })
    }
  }
}

function encrypted (socket: Socket): TLSSocket {
  return new TLSSocket(socket, { isServer: true, secureContext: context })
}

/** Both ends of a connection; the client does not read yet. */
interface Pair {
  readonly connection: Accepted
  readonly client: Socket
  /** The TCP socket of the client. */
  readonly tcp: Socket
}

async function connectPair (t: Test, kind: string): Promise<Pair> {
  const { isTls, listen } = kinds[kind]
  // Sockets of HTTP servers stay half open, too.
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = new Promise<Accepted>(resolve => { listen(server, resolve) })
  const { port } = server.address() as AddressInfo
  const tcp = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const client = isTls === true ? connectTls({ socket: tcp, servername: 'localhost', ca }) : tcp
  client.pause().on('error', () => {})
  // The server sends the first session ticket when the handshake is complete for it too.
  const [connection] = await Promise.all([accepted, isTls === true && once(client, 'session').then(nextTurn)])
  t.teardown(() => {
    client.destroy()
    connection.destroy()
    server.close()
  })
  return { client, tcp, connection }
}

/** Keeps what it receives. */
class Received implements ConnectionReceiver {
  text = ''
  bytes = 0
  clientEnds = 0
  ends = 0
  readonly #connection: Connection
  readonly #endsToo: boolean

  /** `endsToo`: it ends its direction as soon as the client does. */
  constructor (connection: Connection, endsToo: boolean) {
    this.#connection = connection
    this.#endsToo = endsToo
  }

  onData (bytes: Uint8Array, length: number): void {
    this.bytes += length
    if (length < 1000) this.text += Buffer.from(bytes.subarray(0, length)).toString()
  }

  onClientEnd (): void {
    this.clientEnds++
    if (this.#endsToo) this.#connection.end()
  }

  onGone (): void {
    this.ends++
  }
}

/** Opens a connection. */
function open (connection: Connection, endsToo = true): Received {
  const received = new Received(connection, endsToo)
  connection.open(received)
  return received
}

/** Writes parts of 1 MiB until the system takes no more; returns them. */
async function fill (connection: Connection): Promise<Buffer[]> {
  const parts: Buffer[] = []
  while (!connection.isFull) {
    if (connection.bufferedAmount > 0) await nextTurn()
    else connection.write(parts[parts.push(Buffer.alloc(MIB, `${parts.length} `)) - 1])
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

for (const [kind, { isTls = false }] of Object.entries(kinds)) {
  t.test(kind, { skip: !kind.endsWith('socket of Node') && skip }, async t => {
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
      if (isTls) await until(() => connection.bufferedAmount === 0)
      t.equal(connection.bufferedAmount, 0)
      t.notOk(connection.isFull)
      connection.end()
      t.equal((await readAll(client)).toString(), 'abc')
      client.end('two')
      await until(() => received.ends === 1)
      t.equal(received.text, 'onetwo', 'it continues to read')
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
      for (const text of ['very ', 'early ']) connection.handOn(Buffer.from(text))
      connection.pause()
      const second = open(connection)
      client.write('late')
      await until(() => second.text === 'very early late')
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

    t.test('pauses after any chunk, even one that fills the buffer', async t => {
      const { client, connection } = await connectPair(t, kind)
      let bytes = 0
      const onData = (_bytes: Uint8Array, length: number): void => {
        bytes += length
        connection.pause()
        setImmediate(() => { connection.resume() })
      }
      connection.open({ onData, onClientEnd () {}, onGone () {} })
      client.write('x'.repeat(MIB))
      await until(() => bytes === MIB)
    })

    t.test('delivers nothing before it is opened, or while it was paused before', async t => {
      const { client, connection } = await connectPair(t, kind)
      client.write('early')
      connection.pause()
      const received = open(connection)
      const other = await connectPair(t, kind)
      const later = open(other.connection)
      other.client.write('later')
      await until(() => later.text === 'later')
      t.equal(received.text, '')
      connection.resume()
      await until(() => received.text === 'early')
    })

    t.test('a receiver that pauses at every chunk gets all chunks in order, and the end after them', async t => {
      const { client, connection } = await connectPair(t, kind)
      const heard: string[] = []
      connection.open({
        onData (bytes, length) {
          heard.push(Buffer.from(bytes.subarray(0, length)).toString())
          connection.pause()
        },
        onClientEnd () { connection.end() },
        onGone () { heard.push('end') }
      })
      connection.pause()
      for (const text of ['one ', 'two ', 'three']) client.write(text)
      client.end()
      await once(client, 'finish')
      client.resume()
      for (let count = 1; heard.at(-1) !== 'end'; count++) {
        connection.resume()
        connection.resume()
        await until(() => heard.length >= count)
        await nextTurn()
        t.ok(heard.filter(text => text !== 'end').length <= count, 'one at a time')
      }
      t.equal(heard.join(''), 'one two threeend')
    })

    t.test('a receiver that destroys the connection hears nothing after the end, and the process can exit', async t => {
      const { client, connection } = await connectPair(t, kind)
      const heard: string[] = []
      connection.open({
        onData () {
          heard.push('chunk')
          connection.pause()
          setImmediate(() => {
            connection.resume()
            connection.destroy()
          })
        },
        onClientEnd () { connection.end() },
        onGone () { heard.push('end') }
      })
      connection.pause()
      for (const text of ['one', 'two']) client.write(text)
      client.end()
      await once(client, 'finish')
      connection.resume()
      await until(() => heard.includes('end'))
      await nextTurn()
      t.equal(heard.indexOf('end'), heard.length - 1)
    })

    t.test('writes of one turn are sent in order', async t => {
      const { client, connection } = await connectPair(t, kind)
      open(connection)
      const parts = Array.from({ length: 100 }, (_, i) => Buffer.from(`${i} `))
      for (const part of parts) connection.write(part)
      connection.cork()
      connection.write(NOTHING)
      connection.uncork()
      connection.write(NOTHING)
      connection.end()
      connection.end()
      connection.write(Buffer.from('nothing happens'))
      t.equal(String(await readAll(client)), parts.join(''))
    })

    t.test('a write that the system does not take at once is confirmed later, and order is kept', async t => {
      const { client, connection } = await connectPair(t, kind)
      let confirmations = 0
      open(connection)
      const parts = await fill(connection)
      t.ok(connection.isFull)
      t.equal(connection.bufferedAmount, MIB)
      // Of TLS what the handle has just passed on counts twice.
      t.ok(connection.unsentBytes > 0 && connection.unsentBytes <= (isTls ? 1.25 * MIB : MIB))
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
        parts.push(...await fill(connection))
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
      await fill(connection)
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
      const parts = await fill(connection)
      client.end('bye')
      await until(() => received.text === 'bye')
      t.equal((await readAll(client)).length, parts.length * MIB)
      await until(() => received.ends === 1)
    })

    t.test('a receiver whose client has ended its direction can still write, and then ends', async t => {
      const { client, connection } = await connectPair(t, kind)
      const received = open(connection, false)
      const parts = await fill(connection)
      client.end('bye')
      await until(() => received.clientEnds === 1)
      t.equal(received.text, 'bye')
      connection.write(Buffer.from('bye'))
      connection.end()
      t.equal((await readAll(client)).length, parts.length * MIB + 3)
      await until(() => received.ends === 1)
      t.equal(received.clientEnds, 1)
    })

    for (const early of ['', 'early']) {
      t.test(`a client that had ended its direction ${early === '' ? '' : 'after bytes '}ends it`, async t => {
        const { client, connection } = await connectPair(t, kind)
        client.end(early)
        // What the client sends to another connection arrives later.
        const other = await connectPair(t, kind)
        const later = open(other.connection)
        other.client.write('later')
        await until(() => later.text === 'later')
        const received = open(connection)
        connection.write(Buffer.from('bye'))
        t.equal(String(await readAll(client)), 'bye')
        await until(() => received.ends === 1)
        t.equal(received.text, early)
      })
    }

    t.test('a client that has reset the connection ends it', async t => {
      const { tcp, connection } = await connectPair(t, kind)
      const received = open(connection)
      tcp.resetAndDestroy()
      await until(() => received.ends === 1)
      connection.write(Buffer.from('nothing happens'))
    })

    t.test('a write after the client has reset the connection ends it', async t => {
      const { tcp, connection } = await connectPair(t, kind)
      const received = open(connection)
      connection.pause()
      tcp.resetAndDestroy()
      const timer = setInterval(() => { connection.write(Buffer.alloc(1000)) }, 1)
      await until(() => received.ends === 1)
      clearInterval(timer)
    })
  })
}

t.test('a handle that had nothing to read after all continues reading', { skip }, async t => {
  const { client, connection } = await connectPair(t, 'a handle')
  const received = open(connection)
  acceptedLast.onread()
  client.write('still there')
  await until(() => received.text === 'still there')
})
