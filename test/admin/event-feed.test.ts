import t, { type Test } from 'tap'
import { feedOf } from '../../src/admin/event-feed.ts'
import { internalsOf } from '../../src/core/server/internals.ts'
import { stopTime } from '../helper/clock.ts'
import { FrameClient, nextTurn } from '../helper/memory/frame-client.ts'
import { openMemoryServer } from '../helper/memory/memory-server.ts'
import { silentLogger } from '../helper/silent-logger.ts'

async function open (t: Test, log = silentLogger) {
  const server = await openMemoryServer({ pingInterval: 0, log })
  t.teardown(async () => { await server.stop() })
  const feed = feedOf(server, { maxEvents: 0, maxBytes: 0 })
  t.teardown(() => { feed.close() })
  const subscribe = () => feed.subscribe({ types: new Set(['stats']), send: () => {} })
  return { server, feed, subscribe }
}

t.test('traffic counts peers that have left, also when it was requested before anyone subscribed', async t => {
  const { server, feed, subscribe } = await open(t)
  t.equal(feed.stats().packetsIn, 0)
  subscribe()
  const client = new FrameClient(server)
  client.text('hello')
  const [peer] = server.peers()
  client.connection.disconnect()
  await peer.ended()
  t.equal(feed.stats().packetsIn, 1)
})

t.test('a closed feed leaves no listener, although statistics are requested later', async t => {
  const { server, feed, subscribe } = await open(t)
  const { events } = internalsOf(server).monitor
  const before = events.listenerCount('left')
  const unsubscribe = subscribe()
  t.ok(events.listenerCount('left') > before)
  feed.close()
  feed.stats()
  unsubscribe()
  subscribe()()
  t.equal(events.listenerCount('left'), before)
})

t.test('statistics of the cluster that cannot be gathered are logged once per burst', async t => {
  const clock = stopTime(t)
  const warnings: unknown[] = []
  const warn = (details: object, message: string): void => { warnings.push([message, details]) }
  const { feed, subscribe } = await open(t, { ...silentLogger, warn })
  const err = new Error('broken')
  let gathered = 0
  feed.gatherStatsBy(async () => {
    gathered++
    throw err
  })
  const unsubscribe = subscribe()
  for (let second = 0; second < 5; second++) {
    clock.advance(1000)
    await nextTurn()
  }
  unsubscribe()
  t.ok(gathered > 1)
  t.same(warnings, [['statistics not gathered', { err }]])
})
