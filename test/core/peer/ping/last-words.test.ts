import t, { type Test } from 'tap'
import type { PeerEnd } from '../../../../src/core/peer/peer-end.ts'
import type { WebSocketServer } from '../../../../src/core/server/websocket-server.ts'
import { opcode } from '../../../../src/protocol/websocket/frame.ts'
import { simulateTime } from '../../../helper/clock.ts'
import { accept } from '../../../helper/internals.ts'
import { nextTurn } from '../../../helper/memory/frame-client.ts'
import { Godot4Player, pumpUntilIdle } from '../../../helper/godot/godot4-player.ts'
import { MemoryConnection } from '../../../helper/memory/memory-connection.ts'
import { openGodot4Server, openMemoryServer } from '../../../helper/memory/memory-server.ts'
import { closePayload, frame, frameSize, parseFrame } from '../../../helper/sockets/raw-frame.ts'
import { until } from '../../../helper/until.ts'

const PING = `9:${Buffer.from('last words').toString('hex')}`
const CLOSE = `8:${closePayload(4001, 'kicked').toString('hex')}`

/** A client that answers nothing by itself. */
class MuteClient {
  readonly connection = new MemoryConnection('127.0.0.1', 50000)

  constructor (server: WebSocketServer) {
    accept(server, this.connection, '')
  }

  send (code: number, payload: Uint8Array | string = ''): void {
    this.connection.deliver(frame(code, payload))
  }

  /** Frames received since the last call, as `opcode:payload in hex`. */
  async frames (): Promise<string[]> {
    await nextTurn()
    const frames: string[] = []
    let bytes = this.connection.take()
    for (let size = frameSize(bytes); size !== undefined; size = frameSize(bytes)) {
      const { opcode: code, payload } = parseFrame(bytes.subarray(0, size))
      frames.push(`${code}:${payload.toString('hex')}`)
      bytes = bytes.subarray(size)
    }
    return frames
  }
}

/** Resolves with the next frames once there are at least `count`. */
async function framesOf (client: MuteClient, count: number): Promise<string[]> {
  const frames: string[] = []
  await until(async () => frames.push(...await client.frames()) >= count)
  return frames
}

async function openPlain (t: Test, options = {}): Promise<{ server: WebSocketServer, client: MuteClient }> {
  const server = await openMemoryServer({ closeTimeout: 60, ...options })
  t.teardown(async () => { await server.stop() })
  const client = new MuteClient(server)
  await client.frames()
  t.teardown(() => { client.connection.disconnect() })
  return { server, client }
}

async function kick (server: WebSocketServer): Promise<PeerEnd> {
  const [peer] = server.peers()
  peer.send(Buffer.from('why'), true)
  peer.close(4001, 'kicked')
  t.equal(peer.state, 'closing')
  return await peer.ended()
}

t.test('the close frame follows once the client has answered the ping after the last packet', async t => {
  const { server, client } = await openPlain(t)
  const ended = kick(server)
  t.same(await client.frames(), [`1:${Buffer.from('why').toString('hex')}`, PING])
  client.send(opcode.PONG)
  client.send(opcode.PONG, 'other')
  t.same(await client.frames(), [], 'other pongs do not count')
  server.broadcast(0, Buffer.from('later'))
  client.send(opcode.PONG, 'last words')
  client.send(opcode.PONG, 'last words')
  t.same(await client.frames(), [CLOSE])
  client.send(opcode.CLOSE, closePayload(4001))
  t.match(await ended, { cause: 'server', outcome: 'clean', code: 4001, reason: 'kicked' })
})

t.test('the close frame waits for the answer with the wire of Godot 3, too', async t => {
  const { server, client } = await openPlain(t, { gdMpApi: true })
  const ended = kick(server)
  t.same((await client.frames()).slice(-2), [`1:${Buffer.from('why').toString('hex')}`, PING])
  client.send(opcode.PONG, 'last words')
  t.same(await client.frames(), [CLOSE])
  client.send(opcode.CLOSE, closePayload(4001))
  t.match(await ended, { cause: 'server', outcome: 'clean' })
})

t.test('the close frame follows after half of closeTimeout without an answer', async t => {
  const { server, client } = await openPlain(t, { closeTimeout: 0.4 })
  const ended = kick(server)
  t.same((await framesOf(client, 3)).slice(1), [PING, CLOSE])
  const { outcome, seconds } = await ended
  t.equal(outcome, 'timeout')
  t.ok(seconds >= 0.39, `${seconds}`)
})

t.test('a client that closes in the meantime gets the close frame as its answer', async t => {
  const { server, client } = await openPlain(t)
  const ended = kick(server)
  await client.frames()
  client.send(opcode.CLOSE, closePayload(1000))
  t.same(await client.frames(), [CLOSE])
  t.match(await ended, { cause: 'server', outcome: 'clean', code: 4001 })
})

t.test('a client that breaks the protocol in the meantime gets the close frame before the end', async t => {
  const { server, client } = await openPlain(t)
  const ended = kick(server)
  await client.frames()
  client.send(3)
  t.same(await client.frames(), [CLOSE])
  t.match(await ended, { cause: 'server', outcome: 'reset', code: 4001 })
})

t.test('a client that leaves in the meantime has ended', async t => {
  const { server, client } = await openPlain(t)
  const ended = kick(server)
  client.connection.disconnect()
  t.match(await ended, { cause: 'server', outcome: 'reset', code: 4001 })
})

t.test('closes at once a client that was sent nothing, and without option lastWords every client', async t => {
  const { server, client } = await openPlain(t)
  const [peer] = server.peers()
  peer.close(4001, 'kicked')
  t.same(await client.frames(), [CLOSE])
  const other = await openPlain(t, { lastWords: false })
  kick(other.server)
  t.same(await other.client.frames(), [`1:${Buffer.from('why').toString('hex')}`, CLOSE])
})

t.test('a client that floods is closed at once', async t => {
  simulateTime(t)
  const { server, client } = await openPlain(t, { maxPacketsPerSecond: 1 })
  const [peer] = server.peers()
  peer.send(Buffer.from('hi'), true)
  await client.frames()
  const ended = peer.ended()
  for (let i = 0; i < 200; i++) client.send(opcode.BINARY, 'x')
  t.same(await framesOf(client, 1), [`8:${closePayload(1008, 'rate limit').toString('hex')}`])
  client.connection.disconnect()
  t.match(await ended, { cause: 'flood' })
})

for (const [how, close] of Object.entries<(server: WebSocketServer, id: number) => unknown>({
  disconnectPeer: (server, id) => { server.disconnectPeer(id, 4001, 'kicked') },
  'close of the room': async server => { await server.room('main').close(4001, 'kicked') },
  'stop of the server': async server => { await server.stop() }
})) {
  t.test(`${how}: a strict Godot 4 client gets what was sent before, from the server and from others`, async t => {
    simulateTime(t)
    const server = await openGodot4Server({ closeTimeout: 5 })
    const players = [new Godot4Player(server), new Godot4Player(server)]
    await pumpUntilIdle(players)
    const [{ game }, other] = players
    other.game.sendBytes(Buffer.from('bye'), game.id)
    server.setTargetPeer(game.id)
    server.putPacket(Buffer.from('why'))
    close(server, game.id)
    await pumpUntilIdle(players)
    t.same(game.events.filter(([what]) => what === 'api.peer_packet').map(([, from, bytes]) => [from, String(bytes)]),
      [[other.game.id, 'bye'], [1, 'why']])
    t.ok(players[0].closedWith)
    t.ok(game.isClosed)
    await server.stop()
  })
}

t.test('without lastWords a strict Godot 4 client misses it, as with a Godot server', async t => {
  const server = await openGodot4Server({ lastWords: false })
  const player = new Godot4Player(server)
  await pumpUntilIdle([player])
  server.putPacket(Buffer.from('why'))
  server.disconnectPeer(player.game.id)
  await pumpUntilIdle([player])
  t.same(player.game.events.filter(([what]) => what === 'api.peer_packet'), [])
  t.equal(player.closedWith, 1000)
  await server.stop()
})
