import t from 'tap'
import { stopTime } from '../../helper/clock.ts'
import { nextTurn } from '../../helper/frame-client.ts'
import { header, MemoryClient } from '../../helper/memory-client.ts'
import { frame } from '../../helper/raw-frame.ts'
import { openMemoryServer } from '../../helper/memory-server.ts'

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
    t.match(peer.end, { cause: 'flood', code: 1008 })
  })
}
