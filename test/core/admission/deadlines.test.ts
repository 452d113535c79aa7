import t from 'tap'
import { Deadlines } from '../../../src/core/admission/deadlines.ts'
import { stopTime } from '../../helper/clock.ts'

/** An item with a deadline that records how it ended. */
function item (ends: string[], name: string) {
  return { expire: () => { ends.push(`${name} expired`) }, cut: () => { ends.push(`${name} cut`) } }
}

t.test('each item expires at its own deadline unless it was removed', async t => {
  const clock = stopTime(t)
  const ends: string[] = []
  const deadlines = new Deadlines(() => 3)
  const [a, b, c] = ['a', 'b', 'c'].map(name => item(ends, name))
  deadlines.add(a)
  clock.advance(1000)
  deadlines.add(b)
  deadlines.add(c)
  t.equal(deadlines.size, 3)
  clock.advance(1999)
  t.ok(deadlines.delete(c))
  t.notOk(deadlines.delete(c))
  t.same(ends, [])
  clock.advance(1)
  t.same(ends, ['a expired'])
  clock.advance(1000)
  t.same(ends, ['a expired', 'b expired'])
  t.equal(deadlines.size, 0)
  deadlines.add(c)
  clock.advance(3000)
  t.same(ends.slice(2), ['c expired'])
})

t.test('a changed timeout applies to items that are already pending', async t => {
  const clock = stopTime(t)
  const ends: string[] = []
  let seconds = 3
  const deadlines = new Deadlines(() => seconds)
  deadlines.changed()
  deadlines.add(item(ends, 'a'))
  clock.advance(1000)
  seconds = 1.5
  deadlines.changed()
  clock.advance(499)
  t.same(ends, [])
  clock.advance(1)
  t.same(ends, ['a expired'])
})

t.test('an item that began earlier expires earlier, whenever it was added', async t => {
  const clock = stopTime(t)
  const ends: string[] = []
  const deadlines = new Deadlines(() => 3)
  deadlines.add(item(ends, 'a'))
  deadlines.add(item(ends, 'b'), performance.now() - 2000)
  clock.advance(999)
  t.same(ends, [])
  clock.advance(1)
  t.same(ends, ['b expired'])
  deadlines.add(item(ends, 'c'), performance.now() - 5000)
  clock.advance(20)
  t.same(ends, ['b expired', 'c expired'])
  clock.advance(1980)
  t.same(ends, ['b expired', 'c expired', 'a expired'])
})

t.test('cutAll cuts all items at once', async t => {
  const clock = stopTime(t)
  const ends: string[] = []
  const deadlines = new Deadlines(() => 1)
  deadlines.add(item(ends, 'a'))
  deadlines.add(item(ends, 'b'))
  deadlines.cutAll()
  t.same(ends, ['a cut', 'b cut'])
  clock.advance(2000)
  t.same(ends, ['a cut', 'b cut'])
})
