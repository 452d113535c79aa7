import t from 'tap'
import { dropReasons } from '../../../src/core/server/log/drop-reason.ts'
import { Monitor } from '../../../src/core/server/monitor.ts'
import type { PacketWatcher } from '../../../src/core/server/monitor.ts'
import { FrameClient, nextTurn } from '../../helper/memory/frame-client.ts'
import { openMemoryServer } from '../../helper/memory/memory-server.ts'
import { silentLogger } from '../../helper/silent-logger.ts'
import { stopTime } from '../../helper/clock.ts'
import { until } from '../../helper/until.ts'
import type { Logger } from '../../../src/logger.ts'

t.test('every hit of a limit is counted and emitted, a burst of them is logged once', async t => {
  stopTime(t)
  const records: object[] = []
  const monitor = new Monitor({ ...silentLogger, warn: details => { records.push(details) } })
  const events: unknown[][] = []
  monitor.events.on('limited', (...event) => { events.push(event) })
  for (let i = 0; i < 100; i++) monitor.limited('address-limit', { address: '192.0.2.7' })
  t.match(monitor.limits, { 'address-limit': 100, banned: 0, 'silent-peer': 0 })
  t.equal(events.length, 100)
  t.same(events[0], ['address-limit', { address: '192.0.2.7' }])
  t.same(records, [{ limit: 'address-limit', option: 'maxPeersPerAddress', address: '192.0.2.7' }])
})

t.test('every reason to drop packets is counted from the start, and has a text', async t => {
  t.same(Object.keys(new Monitor(silentLogger).drops).sort(), Object.keys(dropReasons).sort())
})

t.test('a listener that fails at every event is counted, and logged once per burst', async t => {
  stopTime(t)
  const records: object[] = []
  const monitor = new Monitor({ ...silentLogger, error: details => { records.push(details) } })
  const err = new Error('broken listener')
  monitor.events.on('listening', () => { throw err })
  for (let i = 0; i < 1000; i++) monitor.events.emit('listening')
  t.same(records, [{ signal: 'listening', err }])
  t.same(monitor.callbackFailures, { listener: 1000, onHandshake: 0, authenticate: 0 })
})

t.test('a watcher of packets that throws or rejects is logged, and the packet is handled', async t => {
  const errors: object[] = []
  const server = await openMemoryServer({ log: { ...silentLogger, error: details => { errors.push(details) } } })
  const err = new Error('broken watcher')
  const ends = [
    server.monitor.watchPackets(() => { throw err }),
    server.monitor.watchPackets(async () => { throw err })
  ]
  const seen: number[] = []
  const watch: PacketWatcher = ({ id }) => { seen.push(id) }
  const [endOne, endOther] = [server.monitor.watchPackets(watch), server.monitor.watchPackets(watch)]
  const packets: string[] = []
  server.on('packet', (_id, bytes) => { packets.push(Buffer.from(bytes).toString()) })
  const client = new FrameClient(server)
  const [{ id }] = server.peers()
  client.text('one')
  await nextTurn()
  for (const end of [...ends, endOne]) end()
  client.text('two')
  endOther()
  client.text('three')
  await nextTurn()
  t.same(packets, ['one', 'two', 'three'])
  t.same(seen, [id, id, id], 'each watcher ends by itself')
  t.same(errors, [{ signal: 'watchPackets', err }])
  await server.stop()
})

t.test('a log that throws keeps no peer from leaving, and no server from stopping', async t => {
  const errors = t.capture(console, 'error')
  const log = Object.fromEntries(['debug', 'info', 'warn', 'error'].map(level =>
    [level, () => { throw new Error('broken log') }])) as unknown as Logger
  const server = await openMemoryServer({ log }, [10, 11])
  const left: number[] = []
  server.on('client_disconnected', () => { throw new Error('broken listener') })
  server.on('client_disconnected', id => { left.push(id) })
  const clients = [new FrameClient(server), new FrameClient(server)]
  clients[0].connection.disconnect()
  await until(() => !server.hasPeer(10))
  await server.stop()
  t.same([left, server.peerCount, server.isListening()], [[10, 11], 0, false])
  const messages = errors().map(({ args }) => String(args[0]))
  t.match(messages[0], /^fastify-peer-server: log\.info threw at 'peer joined':$/)
  t.ok(messages.some(message => message.includes("log.error threw at 'listener failed'")))
})
