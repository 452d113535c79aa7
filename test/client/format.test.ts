import t from 'tap'
import {
  describeMode, formatAge, formatBytes, formatCompact, formatCount, formatDuration, formatEndpoint, formatPlural,
  formatRate
} from '../../src/client/format.ts'

t.test('formats numbers', async t => {
  t.equal(formatCount(1234567), '1,234,567')
  t.equal(formatCompact(1234567), '1.23M')
  t.same([0.25, 9.96, 42, 1234, 1234567].map(formatRate), ['0.3', '10', '42', '1.23K', '1.23M'])
})

t.test('formats sizes in bytes', async t => {
  const expected = ['0 B', '1023 B', '1 KiB', '1.50 KiB', '121 KiB', '1024 TiB']
  t.same([0, 1023, 1024, 1536, 123456, 2 ** 50].map(formatBytes), expected)
})

t.test('formats durations', async t => {
  t.same([-1, 59.9, 75, 3725, 90061].map(formatDuration), ['0s', '59s', '1m 15s', '1h 2m', '1d 1h'])
})

t.test('formats ages', async t => {
  t.equal(formatAge('2020-01-01T00:00:00.000Z', Date.parse('2020-01-01T01:02:05.000Z')), '1h 2m')
  t.equal(formatAge('2020-01-01T00:00:00.000Z', Date.parse('2019-12-31T23:59:59.000Z')), '0s', 'clocks differ')
})

t.test('describes modes of servers', async t => {
  t.equal(describeMode({ gdMpApi: true, wire: 'godot4' }), 'multiplayer relay, Godot 4')
  t.equal(describeMode({ gdMpApi: false, wire: 'godot3' }), 'plain')
})

t.test('endpoints have IPv6 addresses in brackets', async t => {
  t.equal(formatEndpoint('192.0.2.7', 1), '192.0.2.7:1')
  t.equal(formatEndpoint('2001:db8::7', 1), '[2001:db8::7]:1')
})

t.test('formats plurals', async t => {
  t.same([0, 1, 2, 3000].map(count => formatPlural(count, 'peer')), ['0 peers', '1 peer', '2 peers', '3,000 peers'])
  t.same([1, 2].map(count => formatPlural(count, 'address', 'addresses')), ['1 address', '2 addresses'])
})
