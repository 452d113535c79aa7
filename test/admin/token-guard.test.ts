import t from 'tap'
import { TokenGuard } from '../../src/admin/token-guard.ts'

t.test('responds to the first wrong tokens of an address at once, later ones with growing pauses', async t => {
  const guard = new TokenGuard()
  t.same(Array.from({ length: 11 }, (_, i) => guard.failed('192.0.2.1', 1000 * i)),
    [0, 0, 0, 0, 0, 50, 100, 200, 400, 500, 500])
  t.equal(guard.failed('192.0.2.2', 0), 0, 'another address')
})

t.test('responds to simultaneous wrong tokens one after the other, at most 30 seconds later', async t => {
  const guard = new TokenGuard()
  const delays = Array.from({ length: 100 }, () => guard.failed('192.0.2.1', 0))
  t.same(delays.slice(4, 10), [0, 50, 150, 350, 750, 1250])
  t.equal(delays.at(-1), 30_000)
})

t.test('an address starts over after a minute; IPv6 counts by /64', async t => {
  const guard = new TokenGuard()
  for (let i = 0; i < 10; i++) guard.failed(`2001:db8::${i}`, 0)
  t.ok(guard.failed('2001:db8::ff', 0) > 0)
  t.equal(guard.failed('2001:db8:0:1::', 0), 0)
  t.equal(guard.failed('2001:db8::1', 70_000), 0)
})
