import t from 'tap'
import { decodeJson } from '../../../src/cluster/message/json.ts'
import { stopTime } from '../../helper/clock.ts'
import { until } from '../../helper/until.ts'
import { joinRoom, openMemoryCluster, settled } from '../../helper/memory/memory-cluster.ts'

const COUNT = 60

t.test('a sender is paused while a receiver on another node lags behind, and no packet is lost', async t => {
  const clock = stopTime(t)
  const { broker, nodes: [a, b] } = await openMemoryCluster(t, 2)
  const reports: unknown[] = []
  const listener = broker.connect()
  t.teardown(() => listener.close())
  listener.subscribe('gdws.default.congestion', ({ bytes }) => { reports.push(decodeJson(bytes)) })
  const sender = await joinRoom(a, 'arena')
  const receiver = await joinRoom(b, 'arena')
  const elsewhere = await joinRoom(a, 'other')
  const bystander = await joinRoom(b, 'other')
  const pad = 'x'.repeat(16_000)
  receiver.stall()
  for (let i = 0; i < COUNT; i++) {
    sender.sendTo(0, `${i} ${pad}`)
    elsewhere.sendTo(0, String(i))
    await settled()
  }
  const { packetsIn, isPaused } = a.getPeer(sender.id)
  t.ok(isPaused, 'paused on its own node')
  t.ok(packetsIn < COUNT, `after ${packetsIn} packets`)
  t.notOk(a.getPeer(elsewhere.id).isPaused, 'other rooms continue')
  t.equal(b.getPeer(receiver.id).state, 'open')
  t.equal(reports.length, 1)
  clock.advance(1000)
  await settled()
  t.match(reports, [{ room: 'arena', isCongested: true }, { room: 'arena', isCongested: true }], 'said again')

  receiver.unstall()
  await until(() => a.getPeer(sender.id).packetsIn === COUNT && !a.getPeer(sender.id).isPaused)
  await settled()

  const numbers = (lines: readonly string[]) => lines.map(line => /^\d+: (\d+)/.exec(line)?.[1]).filter(number => number !== undefined)
  t.same(numbers(await receiver.heard()), Array.from({ length: COUNT }, (_, i) => String(i)))
  t.same(numbers(await bystander.heard()), Array.from({ length: COUNT }, (_, i) => String(i)))
  for (const client of [sender, receiver, elsewhere, bystander]) client.disconnect()
})

t.test('a sender continues when the node whose receivers it waits for is gone', async t => {
  const clock = stopTime(t)
  const { nodes: [a, b] } = await openMemoryCluster(t, 2)
  const sender = await joinRoom(a, 'arena')
  const receiver = await joinRoom(b, 'arena')
  const pad = 'x'.repeat(16_000)
  receiver.stall()
  for (let i = 0; i < COUNT; i++) {
    sender.sendTo(0, `${i} ${pad}`)
    await settled()
  }
  t.ok(a.getPeer(sender.id).isPaused)
  const stopped = b.stop()
  await settled()
  // `closeTimeout`.
  clock.advance(200)
  await stopped
  await until(() => a.getPeer(sender.id).packetsIn === COUNT)
  t.notOk(a.getPeer(sender.id).isPaused)
  sender.disconnect()
})
