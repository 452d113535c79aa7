import t from 'tap'
import type { EventReceiver } from '../../src/core/server/cluster-link.ts'
import { internalsOf } from '../../src/core/server/internals.ts'
import { joinRoom, openMemoryCluster, settled } from '../helper/memory/memory-cluster.ts'

// A broker that was stopped sends what it still had after newer messages, when it continues.

t.test('messages that arrive again after newer ones have no effect', async t => {
  const { broker, nodes: [a, b] } = await openMemoryCluster(t, 2)
  const recorder = broker.connect()
  t.teardown(async () => { await recorder.close() })
  const recorded: Array<{ subject: string, bytes: Uint8Array }> = []
  for (const subject of ['room.*', 'n.*.pkt', 'ev.*', 'feed.*']) {
    recorder.subscribe(`gdws.default.${subject}`, ({ subject, bytes }) => {
      recorded.push({ subject, bytes: bytes.slice() })
    })
  }
  const [clusterOfA, clusterOfB] = [a, b].map(node => internalsOf(node).registry.cluster!)
  const feed: unknown[] = []
  const receiver: EventReceiver = {
    received: (_node, { data }) => { feed.push(data) },
    nodeLost: () => {},
    nodeBack: () => {}
  }
  clusterOfB.eventReceivers.add(receiver)
  for (const room of ['first', 'second']) {
    clusterOfA.shareEvent({ type: 'room_opened', at: 1, data: { room } })
    await settled()
  }
  const one = await joinRoom(a, 'arena')
  const two = await joinRoom(b, 'arena')
  const left = await joinRoom(a, 'arena')
  one.sendTo(0, 'to all')
  one.sendTo(two.id, 'to two')
  await settled()
  left.leave()
  await settled()
  one.sendTo(0, 'last to all')
  one.sendTo(two.id, 'last to two')
  await settled()
  await two.heard()
  const events: string[] = []
  const { cluster } = b
  cluster.on('peer_joined', ({ id }) => { events.push(`joined ${id}`) })
  cluster.on('peer_left', ({ id }) => { events.push(`left ${id}`) })
  cluster.on('gap', (_node, lost) => { events.push(`gap ${lost}`) })

  const kinds = new Set(recorded.map(({ subject }) => subject.split('.')[2]))
  t.same(kinds, new Set(['room', 'n', 'ev', 'feed']), 'messages of all kinds were recorded')
  for (const { subject, bytes } of [...recorded]) recorder.publish(subject, bytes)
  await settled()
  t.same(await two.heard(), [])
  t.same(await one.heard().then(lines => lines.filter(line => line.startsWith('add') || line.startsWith('del'))), [
    `add ${two.id}`, `add ${left.id}`, `del ${left.id}`
  ])
  t.same(events, [])
  t.same(feed, [{ room: 'first' }, { room: 'second' }])
  t.same([...b.room('arena').peers()].map(({ id }) => id).sort(), [one.id, two.id].sort())

  one.sendTo(0, 'after')
  one.sendTo(two.id, 'after')
  await settled()
  t.same(await two.heard(), [`${one.id}: after`, `${one.id}: after`])
})
