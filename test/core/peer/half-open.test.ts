import t from 'tap'
import { stopTime } from '../../helper/clock.ts'
import { FrameClient, nextTurn } from '../../helper/memory/frame-client.ts'
import { openMemoryServer, recordSignals } from '../../helper/memory/memory-server.ts'
import { closePayload, frame } from '../../helper/sockets/raw-frame.ts'

const LARGE = Buffer.alloc(10_000, 7)

/** A peer that has been sent more than its client reads, and the client, which has ended its direction. */
async function halfOpen (autoPoll: boolean, last?: Uint8Array) {
  const server = await openMemoryServer({ autoPoll, closeTimeout: 2, pingInterval: 0 })
  const signals = recordSignals(server, ['data_received', 'client_close_request', 'client_disconnected'])
  const client = new FrameClient(server)
  server.poll()
  const [peer] = server.peers()
  client.connection.stall()
  for (const packet of [LARGE, LARGE]) {
    peer.putPacket(packet)
    await nextTurn()
  }
  if (last !== undefined) client.connection.deliver(last)
  client.connection.endInput()
  await nextTurn()
  return { server, client, peer, signals }
}

for (const autoPoll of [true, false]) {
  const mode = autoPoll ? '' : ', in the poll'
  t.test(`a peer that has not read everything ends when its client ends its direction${mode}`, async t => {
    const { server, client, peer, signals } = await halfOpen(autoPoll, frame(2, 'last'))
    if (!autoPoll) {
      peer.putPacket(Buffer.from('until the poll'))
      server.poll()
    }
    t.same(signals, [['data_received', peer.id], ['client_disconnected', peer.id, false]])
    t.equal(peer.state, 'ended')
    t.throws(() => { peer.putPacket(Buffer.of(1)) }, { code: 'FAILED' })
    t.match(peer.end, { cause: 'reset', outcome: 'reset', code: 1006 })
    t.notOk(client.connection.isEnded)
    client.connection.unstall()
    await nextTurn()
    const sizes = (await client.frames()).map(({ payload }) => payload.length)
    t.same(sizes, autoPoll ? [10_000, 10_000] : [10_000, 10_000, 14])
    t.ok(client.connection.isEnded, 'the connection ends behind what was sent')
    await server.stop()
    t.equal(signals.length, 2)
  })

  t.test(`a client that ends its direction after a close frame gets the answer, once it reads${mode}`, async t => {
    const { server, client, peer, signals } = await halfOpen(autoPoll, frame(8, closePayload(3000, 'bye')))
    server.poll()
    t.same(signals, [['client_close_request', peer.id, 3000, 'bye'], ['client_disconnected', peer.id, true]])
    client.connection.unstall()
    await nextTurn()
    const frames = await client.frames()
    t.same(frames.map(({ opcode }) => opcode), [2, 2, 8])
    t.same(frames[2].payload, closePayload(3000, 'bye'))
    t.ok(client.connection.isEnded)
    await server.stop()
  })
}

t.test('a connection whose client has ended its direction and does not read is cut after closeTimeout', async t => {
  const clock = stopTime(t)
  const { server, client } = await halfOpen(true)
  t.equal(server.peerCount, 0)
  clock.advance(1900)
  t.notOk(client.connection.isEnded)
  clock.advance(200)
  t.ok(client.connection.isEnded)
  await nextTurn()
  await server.stop()
})
