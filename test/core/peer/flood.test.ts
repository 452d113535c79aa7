import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { FRAMES_AT_ONCE } from '../../../src/core/peer/peer-input.ts'
import { stopTime } from '../../helper/clock.ts'
import { FrameClient, nextTurn } from '../../helper/memory/frame-client.ts'
import { header, MemoryClient } from '../../helper/memory/memory-client.ts'
import { frame } from '../../helper/sockets/raw-frame.ts'
import { openMemoryServer } from '../../helper/memory/memory-server.ts'
import { nextSignal } from '../../helper/next-signal.ts'
import { until } from '../../helper/until.ts'

const RATE = 50

async function relay () {
  const server = await openMemoryServer({ gdMpApi: true, maxPacketsPerSecond: RATE, closeTimeout: 0.2 })
  const members = [new MemoryClient(server), new MemoryClient(server)]
  for (const member of members) await member.messages()
  return { server, members }
}

const timers = (): number => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length

/** As many copies of a frame as fit into one chunk. */
function chunkOf (one: Buffer): { chunk: Buffer, count: number } {
  const count = Math.floor(65536 / one.length)
  return { chunk: Buffer.concat(Array(count).fill(one)), count }
}

t.test('after a reset, packets over the rate limit are dropped and counted, and no timer is left', async t => {
  const { server, members: [flooder, receiver] } = await relay()
  const before = timers()
  const { chunk, count } = chunkOf(frame(2, header(flooder.id, 0)))

  flooder.connection.deliver(chunk)
  t.ok(server.getPeer(flooder.id).isPaused)
  t.equal(timers(), before + 1, 'one timer for the peer')
  flooder.connection.disconnect()
  await nextTurn()

  t.notOk(server.hasPeer(flooder.id))
  const relayed = (await receiver.messages()).filter(message => message.startsWith('00')).length
  t.ok(relayed >= RATE && relayed <= 2 * RATE, `${relayed} of ${count} packets were relayed`)
  t.equal(server.monitor.drops['over-rate'], count - relayed)
  t.equal(timers(), before)
  await server.stop()
  t.equal(timers(), before)
})

const frames: Array<[what: string, one: (id: number) => Buffer]> = [
  ['pongs', () => frame(10)],
  ['pings', () => frame(9)],
  ['packets', id => frame(2, header(id, 0))],
  ['fragments', () => frame(0, '', { fin: false })]
]

for (const [what, one] of frames) {
  t.test(`${what} count towards the rate limit, and a flood of them is closed with 1008`, async t => {
    const clock = stopTime(t)
    const { server, members: [flooder] } = await relay()
    const peer = server.getPeer(flooder.id)
    if (what === 'fragments') flooder.connection.deliver(frame(2, header(flooder.id, 0), { fin: false }))
    flooder.connection.deliver(chunkOf(one(flooder.id)).chunk)
    t.ok(peer.isPaused)
    t.equal(server.monitor.limits['packet-rate'], 1)
    for (let second = 0; second < 10; second++) clock.advance(1000)
    await nextTurn()
    t.match(peer.end, { cause: 'flood', code: 1008 })
  })
}

t.test('packets of others are handled between the slices of a long chunk, and their order is kept', async t => {
  const server = await openMemoryServer({})
  const flooder = new FrameClient(server)
  const [flooding] = [...server.peers()]
  const other = new FrameClient(server)
  const count = 3 * FRAMES_AT_ONCE + 10
  const packets: string[] = []
  server.on('packet', (id, bytes) => { packets.push(`${id === flooding.id ? '' : 'other '}${Buffer.from(bytes)}`) })
  const numbers = Array.from({ length: count }, (_, i) => `${i}`)

  flooder.connection.deliver(Buffer.concat(numbers.map(number => frame(2, number))))
  t.equal(packets.length, FRAMES_AT_ONCE)
  other.text('a')
  flooder.text('last')
  await turn()
  other.text('b')
  await until(() => packets.length === count + 3)

  t.ok(packets.indexOf('other b') < count, 'the second one came before the end of the flood')
  t.equal(packets[FRAMES_AT_ONCE], 'other a')
  t.same(packets.filter(packet => !packet.startsWith('other')), [...numbers, 'last'])
})

t.test('the slices of several long chunks take turns', async t => {
  const server = await openMemoryServer({})
  const clients = Array.from({ length: 4 }, () => new FrameClient(server))
  const ids: number[] = []
  server.on('packet', id => { ids.push(id) })
  const chunk = Buffer.concat(Array(3 * FRAMES_AT_ONCE).fill(frame(2)))
  for (const { connection } of clients) connection.deliver(chunk)
  let most = 0
  for (let read = ids.length; read < 12 * FRAMES_AT_ONCE; read = ids.length) {
    await turn()
    most = Math.max(most, ids.length - read)
  }
  t.equal(most, FRAMES_AT_ONCE, 'packets in one turn')
  t.equal(new Set(ids.slice(4 * FRAMES_AT_ONCE, 8 * FRAMES_AT_ONCE)).size, 4, 'each has its turn')
})

t.test('what a client has sent before it ends is read to the end', async t => {
  for (const isClosed of [true, false]) {
    const server = await openMemoryServer({})
    const client = new FrameClient(server)
    let packets = 0
    server.on('packet', () => { packets++ })
    client.connection.deliver(Buffer.concat([...Array(1000).fill(frame(2)), ...isClosed ? [frame(8)] : []]))
    if (!isClosed) client.connection.disconnect()
    const [, wasClean] = await nextSignal(server, 'client_disconnected')
    t.match({ packets, wasClean }, { packets: 1000, wasClean: isClosed })
  }
})
