import t from 'tap'
import { Deadlines } from '../../../src/core/admission/deadlines.ts'
import { stopTime } from '../../helper/clock.ts'

/** Something with a deadline that notes how it ended. */
function item (ends: string[], name: string) {
  return { expire: () => { ends.push(`${name} expired`) }, cut: () => { ends.push(`${name} cut`) } }
}

t.test('each expires when its own time is over, those that are done do not', async t => {
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

t.test('a time that changes holds for those under way', async t => {
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

t.test('one that began earlier is over earlier, whenever it was added', async t => {
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

t.test('all can be cut', async t => {
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
