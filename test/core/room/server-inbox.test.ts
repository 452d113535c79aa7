import t from 'tap'
import type { Test } from 'tap'
import { wires } from '../../../src/core/rpc/wire/wires.ts'
import type { Room } from '../../../src/core/room/room.ts'
import type { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import type { ServerOptions } from '../../../src/options/option-types.ts'
import { clientCodecs } from '../../helper/godot/client-codecs.ts'
import { FrameClient, nextTurn } from '../../helper/memory/frame-client.ts'
import { header } from '../../helper/memory/memory-client.ts'
import { openMemoryServer } from '../../helper/memory/memory-server.ts'
import { rpcClientCodecs } from '../../helper/godot/rpc-client-codecs.ts'

/** What every wire does for a server whose application uses no remote calls, or not yet. */
for (const wire of Object.keys(wires) as Array<ServerOptions['wire']>) {
  t.test(wire, async t => { await inboxContract(t, wire) })
}

/** A multiplayer server, and clients with the ids 10, 11 ... that have heard who is there. */
async function serve (count: number, options: Partial<ServerOptions>) {
  const ids = Array.from({ length: 40 }, (_, at) => 10 + at)
  const server = await openMemoryServer({ gdMpApi: true, ...options }, ids)
  const clients = Array.from({ length: count }, () => new FrameClient(server))
  for (const client of clients) await client.frames()
  return { server, clients }
}

async function inboxContract (t: Test, wire: ServerOptions['wire']): Promise<void> {
  const speaker = rpcClientCodecs[wire]
  const heard = async (client: FrameClient): Promise<string[]> =>
    (await client.frames()).map(({ payload }) => speaker.describe(payload).trimEnd())
  /** From now on a room handles calls of `hit` at these paths; returns them as they come. */
  function handle (room: Room | WebSocketServer, ...paths: string[]): unknown[] {
    const ran: unknown[] = []
    for (const path of paths) {
      room.multiplayer.node(path, { hit: [Number], move: [], quiet: [] }).method('any_peer', 'hit', (id, value) => {
        ran.push([id, path, value])
      })
    }
    return ran
  }

  t.test('confirms paths though nobody reads, and knows them at the first use of remote calls', async t => {
    const { server, clients: [a, b] } = await serve(2, { wire })
    a.binary(speaker.announce(10, 1, 'Main'))
    a.binary(speaker.announce(10, 2, '/root/Main/Pawn'))
    b.binary(speaker.announce(11, 1, 'Main/Pawn'))
    t.same([await heard(a), await heard(b)], [['confirm', 'confirm'], ['confirm']])
    const ran = handle(server, '/root/Main', '/root/Main/Pawn')
    await nextTurn()
    t.same([await heard(a), await heard(b)], [[], []], 'not again')
    a.binary(speaker.call(10, 1, 'hit', [1]))
    a.binary(speaker.call(10, 2, 'hit', [2]))
    b.binary(speaker.call(11, 1, 'hit', [3]))
    t.same(ran, [[10, '/root/Main', 1], [10, '/root/Main/Pawn', 2], [11, '/root/Main/Pawn', 3]])
    a.binary(speaker.announce(10, 3, 'Main/Late'))
    t.same(await heard(a), ['confirm'])
    await server.stop()
  })

  t.test('knows any number of paths, and long ones', async t => {
    const { server, clients: [a] } = await serve(1, { wire })
    const paths = Array.from({ length: 300 }, (_, at) => `Main/Pawn${at}`).concat('x'.repeat(1000))
    for (const [at, path] of paths.entries()) a.binary(speaker.announce(10, 1 + at, path))
    t.same(new Set(await heard(a)), new Set(['confirm']))
    const ran = handle(server, 'Main/Pawn0', 'Main/Pawn299', 'x'.repeat(1000))
    for (const id of [1, 300, 301]) a.binary(speaker.call(10, id, 'hit', [id]))
    t.same(ran, [[10, 'Main/Pawn0', 1], [10, 'Main/Pawn299', 300], [10, 'x'.repeat(1000), 301]])
    await server.stop()
  })

  t.test('a peer takes its paths along to rooms that use remote calls, or will', async t => {
    const { server, clients: [a] } = await serve(1, { wire, rooms: true })
    a.binary(speaker.announce(10, 1, 'Main'))
    t.same(await heard(a), ['confirm'])
    const [waiting, match] = [server.openRoom('waiting', { emptyTimeout: 60 }), server.openRoom('match')]
    server.getPeer(10).moveTo(waiting)
    handle(match, 'Main/Other')
    server.getPeer(10).moveTo(match)
    const inMatch = handle(match, 'Main')
    await nextTurn()
    a.binary(speaker.call(10, 1, 'hit', [1]))
    t.same(inMatch, [[10, 'Main', 1]])
    server.getPeer(10).moveTo(waiting)
    const inWaiting = handle(waiting, 'Main')
    a.binary(speaker.call(10, 1, 'hit', [2]))
    t.same([inMatch, inWaiting], [[[10, 'Main', 1]], [[10, 'Main', 2]]])
    await server.stop()
  })

  t.test('an application that loads something when a room is opened gets the calls that came meanwhile', async t => {
    const { server, clients: [a] } = await serve(1, { wire, rooms: true })
    server.on('room_opened', () => {})
    server.getPeer(10).moveTo(server.openRoom('match'))
    a.binary(speaker.announce(10, 1, 'Main'))
    for (let i = 0; i < 100; i++) a.binary(speaker.call(10, 1, 'hit', [i]))
    const ran = handle(server.room('match'), 'Main')
    t.same(ran, [], 'not before its handlers are registered')
    await nextTurn()
    t.same(ran.length, wire === 'godot3' ? 63 : 64)
    t.equal(server.monitor.drops.unread, 100 - ran.length)
    a.binary(speaker.call(10, 1, 'hit', [100]))
    t.same([ran[0], ran.at(-1)], [[10, 'Main', 0], [10, 'Main', 100]])
    await server.stop()
  })

  t.test('a reader may leave as much unread as the input buffers of all members hold', async t => {
    const { server, clients: [a, b] } = await serve(2, { wire, inputMaxPackets: 8 })
    t.equal(server.getAvailablePacketCount(), 0)
    const say = (client: FrameClient, id: number): void => {
      client.binary(clientCodecs[wire].encodeData(id, 1, Uint8Array.of(7)))
    }
    for (let i = 0; i < 14; i++) say(a, 10)
    t.notOk(server.getPeer(10).isPaused)
    say(b, 11)
    t.ok(server.getPeer(11).isPaused)
    t.equal(server.getAvailablePacketCount(), 14)
    while (server.getAvailablePacketCount() > 0) server.getPacket()
    await nextTurn()
    t.equal(server.getPacketPeer(), 11)
    t.notOk(server.getPeer(11).isPaused)
    await server.stop()
  })

  t.test('in plain mode there is nothing to read, also after multiplayer mode', async t => {
    const { server, clients: [a] } = await serve(1, { wire })
    a.binary(clientCodecs[wire].encodeData(10, 1, Uint8Array.of(7)))
    await server.stop()
    t.equal(server.getAvailablePacketCount(), 1)
    await server.listen(undefined, [], false)
    t.equal(server.getAvailablePacketCount(), 0)
    t.equal(server.getPacketPeer(), 1)
    t.throws(() => server.getPacket(), { code: 'ERR_UNCONFIGURED' })
    await server.stop()
    await server.listen(undefined, [], true)
    t.same(server.getPacket(), Uint8Array.of(7))
    await server.stop()
  })

  t.test('a packet to one peer whose output buffer is full throws, and the peer stays', async t => {
    const { server, clients: [a] } = await serve(1, { wire, outputBufferKb: 1 })
    a.connection.stall()
    server.setTargetPeer(10)
    for (let i = 0; i < 3; i++) {
      server.putPacket(new Uint8Array(300))
      await nextTurn()
    }
    t.throws(() => { server.putPacket(new Uint8Array(300)) }, { code: 'ERR_OUT_OF_MEMORY' })
    server.setTargetPeer(0)
    server.putPacket(new Uint8Array(300))
    t.ok(server.getPeer(10).isOpen)
    await server.stop()
  })
}

t.test('Godot 3: an application that reads packets gets them, and answers announcements itself', async t => {
  const { server, clients: [a] } = await serve(1, { wire: 'godot3' })
  const announcement = rpcClientCodecs.godot3.announce(10, 1, 'Main')
  a.binary(announcement)
  t.equal((await a.frames()).length, 1)
  t.same(server.getPacket(), new Uint8Array(announcement.subarray(9)), 'it may read it later')
  a.binary(announcement)
  t.same(server.getPacket(), new Uint8Array(announcement.subarray(9)))
  t.same(await a.frames(), [])
  await server.stop()
})

t.test('Godot 3: answers nothing but announcements', async t => {
  const { server, clients: [a] } = await serve(1, { wire: 'godot3' })
  const announcement = rpcClientCodecs.godot3.announce(10, 1, 'Main').subarray(9)
  const changed = (at: number, value: number): Buffer => {
    const bytes = Buffer.from(announcement)
    bytes[at] = value
    return bytes
  }
  const others = [
    changed(0, 3), changed(1, 0), changed(4, 1), changed(4, 0x80), changed(5, 10), changed(6, 0), changed(9, 65),
    announcement.subarray(0, 5), Buffer.of(2, 1, 0, 0, 0, 0), Buffer.of(2), Buffer.alloc(0)
  ]
  for (const other of others) a.binary(Buffer.concat([header(10, 1), other]))
  for (const target of [0, -11, -1]) a.binary(Buffer.concat([header(10, target), announcement]))
  t.same(await a.frames(), [])
  a.binary(Buffer.concat([header(10, 1), announcement]))
  t.equal((await a.frames()).length, 1)
  await server.stop()
})
