import t from 'tap'
import { Roster } from '../../src/core/roster.ts'
import { Random, seed } from '../helper/random/random.ts'

interface Item { rosterIndex?: number | undefined }

t.test('holds what was added and not removed, each item at its index', async t => {
  const random = new Random(seed)
  const items: Item[] = Array.from({ length: 50 }, () => ({}))
  const roster = new Roster<Item>()
  const model = new Set<Item>()
  for (let i = 0; i < 2000; i++) {
    const item = items[random.below(items.length)]
    if (random.below(2) === 0) {
      roster.add(item)
      model.add(item)
    } else t.equal(roster.delete(item), model.delete(item))
  }
  t.equal(roster.size, model.size)
  t.same(new Set(roster.items), model)
  for (const item of items) {
    if (model.has(item)) t.equal(roster.at(item.rosterIndex!), item)
    else t.equal(item.rosterIndex, undefined)
  }
})

t.test('may change while its items are visited', async t => {
  const roster = new Roster<Item>()
  const [first, second, third]: Item[] = [{}, {}, {}]
  for (const item of [first, second]) roster.add(item)
  for (const item of roster.items) {
    roster.delete(item)
    roster.add(third)
  }
  t.same(roster.items, [third])
})
