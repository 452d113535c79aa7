import t from 'tap'
import { encodeSystemPacket, relayType } from '../../../src/protocol/multiplayer/relay-packet.ts'
import { nextTurn } from '../../helper/memory/frame-client.ts'
import { MemoryClient } from '../../helper/memory/memory-client.ts'
import { openMemoryServer } from '../../helper/memory/memory-server.ts'

t.test('a paused peer that leaves while the room is flushed: every other member learns of it once', async t => {
  const server = await openMemoryServer({ gdMpApi: true, maxPacketsPerSecond: 2, outputBufferKb: 1, closeTimeout: 0.1 })
  const left: number[] = []
  server.on('peer_disconnected', id => { left.push(id) })
  const [slow, ...others] = Array.from({ length: 6 }, () => new MemoryClient(server))
  for (const client of [slow, ...others]) await client.messages()

  for (let i = 0; i < 5; i++) slow.sendTo(1, '01')
  slow.close(1000)
  t.ok(server.getPeer(slow.id).isPaused, 'its close frame waits behind packets over its rate')
  slow.connection.stall()
  for (let i = 0; i < 60; i++) {
    for (let j = 0; j < 20; j++) server.broadcast(0, Buffer.alloc(1000, i))
    await nextTurn()
  }

  t.same(left, [slow.id])
  const removed = Buffer.from(encodeSystemPacket(relayType.DEL, slow.id)).toString('hex')
  for (const other of others) {
    const messages = await other.messages()
    t.equal(messages.filter(message => message === removed).length, 1)
    t.equal(messages.length, 60 * 20 + 1, 'no packet is lost, none comes twice')
  }
  await server.stop()
})

t.test('a broadcast from client_disconnected of a slow peer reaches all others', async t => {
  const server = await openMemoryServer({ maxPacketsPerSecond: 2, outputBufferKb: 1, closeTimeout: 0.1 })
  server.on('client_disconnected', id => { server.broadcast(0, Buffer.from(`${id} left`)) })
  const [slow, ...others] = Array.from({ length: 4 }, () => new MemoryClient(server))

  for (let i = 0; i < 5; i++) slow.binary(Buffer.of(i))
  slow.connection.stall()
  slow.close(1000)
  for (let i = 0; i < 5; i++) {
    server.broadcast(0, Buffer.alloc(1000))
    await nextTurn()
  }
  t.notOk(server.hasPeer(slow.id))

  const news = Buffer.from(`${slow.id} left`).toString('hex')
  for (const other of others) t.equal((await other.messages()).filter(message => message === news).length, 1)
  await server.stop()
})
