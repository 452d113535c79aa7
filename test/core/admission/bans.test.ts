import t from 'tap'
import { describeBan } from '../../../src/admin/describe-ban.ts'
import { Bans } from '../../../src/core/admission/bans.ts'
import { stopTime } from '../../helper/clock.ts'

const found: Array<[range: string, address: string, isIn: boolean]> = [
  ['192.0.2.7', '192.0.2.7', true],
  ['192.0.2.7', '192.0.2.8', false],
  ['192.0.2.7', '::ffff:192.0.2.7', true],
  ['::ffff:192.0.2.7', '192.0.2.7', true],
  ['10.1.2.3/8', '10.255.0.1', true],
  ['10.1.2.3/8', '11.0.0.1', false],
  ['10.0.0.0/9', '10.127.255.255', true],
  ['10.0.0.0/9', '10.128.0.0', false],
  ['0.0.0.0/0', '203.0.113.9', true],
  ['0.0.0.0/0', '2001:db8::1', false],
  ['::/0', '2001:db8::1', true],
  ['::/0', '203.0.113.9', false],
  ['2001:db8::/32', '2001:db8:ffff::1', true],
  ['2001:db8::/32', '2001:db9::1', false],
  ['2001:DB8:0::1', '2001:db8::1', true],
  ['192.0.2.7', '', false],
  ['192.0.2.7', 'localhost', false]
]

for (const [range, address, isIn] of found) {
  t.test(`a ban of ${range} ${isIn ? 'includes' : 'does not include'} '${address}'`, async t => {
    const bans = new Bans()
    const [ban] = bans.banAll([range])
    t.equal(bans.find(address), isIn ? ban : undefined)
  })
}

t.test('has exactly the addresses and ranges that are banned, until their bans expire', async t => {
  const clock = stopTime(t)
  const bans = new Bans()
  bans.banAll(['10.1.2.3/8', '2001:db8::1'])
  bans.banAll(['192.0.2.7'], { seconds: 1 })
  const has = (...addresses: string[]): boolean[] => addresses.map(address => bans.has(address))
  t.same(has('10.0.0.0/8', '2001:DB8:0::1', '::ffff:192.0.2.7'), [true, true, true])
  t.same(has('10.1.2.3', '10.0.0.0/9', '192.0.2.8', 'localhost', ''), [false, false, false, false, false])
  clock.advance(1001)
  t.same(has('192.0.2.7'), [false])
})

t.test('normalises addresses', async t => {
  const bans = new Bans()
  t.equal(bans.banAll(['10.1.2.3/8'])[0].address, '10.0.0.0/8')
  t.equal(bans.banAll(['10.1.2.3/32'])[0].address, '10.1.2.3')
  t.equal(bans.banAll(['2001:DB8:0:0::1'])[0].address, '2001:db8::1')
  t.equal(bans.banAll(['::ffff:1.2.3.4'])[0].address, '1.2.3.4')
  bans.banAll(['10.9.9.9/8'], { reason: 'again' })
  t.equal(bans.list().length, 4, 'lists the same range once')
  t.equal(bans.unban('10.7.7.7/8').reason, 'again')
  t.equal(bans.list().length, 3)
})

t.test('a ban expires', async t => {
  const clock = stopTime(t)
  const bans = new Bans()
  const [ban] = bans.banAll(['192.0.2.7'], { seconds: 60, reason: 'rude' })
  t.match(ban, { address: '192.0.2.7', reason: 'rude', since: Date.now(), until: Date.now() + 60_000 })
  bans.banAll(['192.0.2.8'])
  clock.advance(59_999)
  t.equal(bans.find('192.0.2.7'), ban)
  clock.advance(1)
  t.equal(bans.find('192.0.2.7'), undefined)
  t.same(bans.list().map(({ address }) => address), ['192.0.2.8'])
  t.throws(() => bans.unban('192.0.2.7'), { code: 'ERR_DOES_NOT_EXIST' })
})

t.test('rejects invalid ranges and durations', async t => {
  const bans = new Bans()
  for (const address of [
    '', 'x', '1.2.3', '1.2.3.4/33', '1.2.3.4/', '1.2.3.4/08', '::1/129', '1.2.3.4/8/8', 7 as unknown as string
  ]) {
    t.throws(() => bans.banAll([address]), { code: 'ERR_INVALID_PARAMETER' }, String(address))
  }
  for (const seconds of [0, -1, Number.NaN, Infinity, 1e10 + 1, '60' as unknown as number]) {
    t.throws(() => bans.banAll(['1.2.3.4'], { seconds }), { code: 'ERR_INVALID_PARAMETER' }, String(seconds))
  }
  t.throws(() => bans.unban('1.2.3.4'), { code: 'ERR_DOES_NOT_EXIST' })
  t.same(bans.list(), [])
})

t.test('a ban of the longest duration has a date', async t => {
  const [ban] = new Bans().banAll(['1.2.3.4'], { seconds: 1e10 })
  t.match(describeBan(ban).until, /^2\d{3}-/)
})

t.test('looks up an address among 100,000 bans in constant time', async t => {
  const bans = new Bans()
  for (let i = 0; i < 100_000; i++) bans.banAll([`10.${i >> 16}.${i >> 8 & 255}.${i & 255}`])
  bans.banAll(['172.16.0.0/12'])
  const began = process.cpuUsage()
  for (let i = 0; i < 1000; i++) bans.find('203.0.113.9')
  t.ok(process.cpuUsage(began).user < 500_000, 'under half a millisecond each')
  t.ok(bans.find('10.1.134.159'))
  t.ok(bans.find('172.31.255.255'))
})

t.test('a ban lasts its seconds even if the system date changes', async t => {
  const clock = stopTime(t)
  const bans = new Bans()
  bans.banAll(['192.0.2.7'], { seconds: 60 })
  clock.shiftDate(3_600_000)
  t.equal(bans.find('192.0.2.7')?.address, '192.0.2.7', 'not ended early by a date an hour ahead')
  clock.shiftDate(-7_200_000)
  clock.advance(59_999)
  t.equal(bans.find('192.0.2.7')?.address, '192.0.2.7')
  clock.advance(1)
  t.equal(bans.find('192.0.2.7'), undefined, 'not prolonged by a date an hour behind')
})

t.test('restored bans keep their order, although the clocks do not tick together', t => {
  const { now } = Date
  t.teardown(() => { Date.now = now })
  let time = now()
  Date.now = () => time++
  const bans = new Bans()
  const addresses = ['192.0.2.0/24', '203.0.113.7']
  for (const address of addresses) bans.restore({ address, reason: '', since: 1000, until: undefined })
  t.same(bans.list().map(({ address }) => address), addresses)
  t.end()
})

t.test('forgets expired bans although nobody asks for them', async t => {
  const clock = stopTime(t)
  const bans = new Bans()
  for (let i = 0; i < 100; i++) {
    bans.banAll([`10.0.0.${i}`, `2001:db8:0:${i}::/64`], { seconds: 60 })
    clock.advance(10_000)
  }
  t.ok(bans.size <= 2 * 13, `${bans.size} bans in memory`)
  t.equal(bans.list().length, 2 * 5)
})
