import t, { type Test } from 'tap'
import type { MonitorEvents } from '../../../src/core/server/monitor.ts'
import { internalsOf } from '../../../src/core/server/internals.ts'
import { accept } from '../../helper/internals.ts'
import { openEvents, type EventSourceReader } from '../../helper/sockets/event-source.ts'
import { startHost } from '../../helper/host.ts'
import { MemoryConnection } from '../../helper/memory/memory-connection.ts'

const PEERS = 10_000

async function start (t: Test) {
  const host = await startHost(t, { server: { pingInterval: 0, closeTimeout: 0.1 } })
  const connections = Array.from({ length: PEERS }, (_, i) => new MemoryConnection('203.0.113.7', 1000 + i))
  const events = (query = '', headers = {}) =>
    openEvents(t, `http://127.0.0.1:${host.port}/api/v1/events${query}`, headers)
  return { ...host, connections, events }
}

/** Events of this type until there are this many of them, merged ones counted. */
async function countUntil (stream: EventSourceReader, type: string, total: number) {
  let [single, merged] = [0, 0]
  const causes = new Set<string | undefined>()
  while (single + merged < total) {
    const { event, data } = await stream.next(type, 'merged')
    if (event === type) single++
    else if (data.of === type) {
      merged += data.count
      causes.add(data.cause)
    }
  }
  return { single, merged, causes: [...causes] }
}

t.test('10,000 peers that join and leave at once are merged for a reader that wants it, and cut no stream', async t => {
  const { server, connections, events } = await start(t)
  const stream = await events('?merge=true')
  for (const connection of connections) accept(server, connection)
  const joined = await countUntil(stream, 'client_connected', PEERS)
  t.same(joined, { single: 50, merged: PEERS - 50, causes: [undefined] })
  for (const connection of connections) connection.disconnect()
  const left = await countUntil(stream, 'client_disconnected', PEERS)
  t.equal(left.single + left.merged, PEERS)
  t.ok(left.single < 1000, `${left.single} of them one by one`)
  t.same(left.causes, ['reset'])

  const { id } = stream.events.findLast(({ event }) => event === 'merged')!
  const merged = stream.events.filter(({ event }) => event === 'merged' || event === 'client_connected')
  t.same(merged.slice(0, 50).map(({ id }) => id), Array(50).fill(undefined), 'only the last of merged events has an id')
  const resumed = await events('?merge=true', { 'last-event-id': id! })
  accept(server, new MemoryConnection('203.0.113.9', 7))
  t.match((await resumed.next()).data, { address: '203.0.113.9' }, 'nothing else is missing')
})

t.test('a reader who missed thousands of events gets them merged', async t => {
  const { server, connections, events } = await start(t)
  const before = await events()
  accept(server, new MemoryConnection('203.0.113.9', 7))
  const { id = '' } = await before.next('client_connected')
  for (const connection of connections.slice(0, 3000)) accept(server, connection)
  const stream = await events('?merge=true', { 'last-event-id': id })
  t.same(await countUntil(stream, 'client_connected', 3000), { single: 50, merged: 2950, causes: [undefined] })
})

t.test('events of other types are not merged, nor those of a reader that does not want it', async t => {
  const { server, connections, events } = await start(t)
  const [merging, exact] = [await events('?merge=true&types=refused,client_connected'), await events()]
  for (const connection of connections.slice(0, 200)) accept(server, connection)
  const refuse = (...args: MonitorEvents['refused']) => internalsOf(server).monitor.events.emit('refused', ...args)
  refuse('refusing-connections', '203.0.113.8')
  t.same(await countUntil(exact, 'client_connected', 200), { single: 200, merged: 0, causes: [] })
  t.match((await merging.next('refused')).data, { reason: 'refusing-connections', address: '203.0.113.8' })
  t.same(await countUntil(merging, 'client_connected', 200), { single: 50, merged: 150, causes: [undefined] })
})
