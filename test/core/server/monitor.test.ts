import t from 'tap'
import { Monitor } from '../../../src/core/server/monitor.ts'
import { silentLogger } from '../../helper/silent-logger.ts'
import { stopTime } from '../../helper/clock.ts'

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

t.test('a listener that fails at every event is logged once per burst', async t => {
  stopTime(t)
  const records: object[] = []
  const monitor = new Monitor({ ...silentLogger, error: details => { records.push(details) } })
  const err = new Error('broken listener')
  monitor.events.on('listening', () => { throw err })
  for (let i = 0; i < 1000; i++) monitor.events.emit('listening')
  t.same(records, [{ signal: 'listening', err }])
})
