import fc from 'fast-check'
import t from 'tap'
import { joinSlices, pageOf, pageRequestOf, sliceOf } from '../../routes/page.ts'
import type { Order, PageQuery, Slice, SortKeys } from '../../routes/page.ts'
import { scaled } from '../helper/random/random.ts'

interface Item { readonly id: number, readonly name: string }
type Name = 'id' | 'name'

const keys: SortKeys<Item, Name> = { identity: 'id', keys: { id: item => item.id, name: item => item.name } }

/** Items with unique ids, spread over nodes; many have the same name. */
const nodes = fc.uniqueArray(fc.record({ id: fc.nat(200), name: fc.constantFrom('', 'a', 'b', 'Z') }), {
  selector: ({ id }) => id, maxLength: 60
}).chain(items => fc.array(fc.nat(4), { minLength: items.length, maxLength: items.length })
  .map(owners => Array.from({ length: 5 }, (_, node) => items.filter((_item, at) => owners[at] === node))))

const order = fc.record({
  sort: fc.constantFrom<Name>('id', 'name'), order: fc.constantFrom<'asc' | 'desc'>('asc', 'desc')
})

function inOrder (items: readonly Item[], { sort, order }: Order<Name>): Item[] {
  const sorted = items.toSorted((a, b) => a[sort] === b[sort] ? a.id - b.id : a[sort] < b[sort] ? -1 : 1)
  return order === 'asc' ? sorted : sorted.reverse()
}

/** The share of one node, cut off after some items as if a message were full. */
function share (items: readonly Item[], query: PageQuery<Name>, mostEntries: number): Slice<Item> {
  const slice = sliceOf(keys, pageRequestOf(keys, query), items)
  return slice.entries.length <= mostEntries
    ? slice
    : { ...slice, entries: slice.entries.slice(0, mostEntries), more: true }
}

t.test('pages over several nodes are those of one list, when any node sends less than a page', async t => {
  await fc.assert(fc.asyncProperty(nodes, order, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }),
    async (nodes, by, limit, mostEntries) => {
      const expected = inOrder(nodes.flat(), by)
      const found: Item[] = []
      let cursor: string | null | undefined
      do {
        const query: PageQuery<Name> = { ...by, limit, ...(cursor == null ? {} : { cursor }) }
        const page = joinSlices(keys, pageRequestOf(keys, query), nodes.map(items => share(items, query, mostEntries)))
        t.ok(page.items.length > 0 || page.nextCursor === null, 'every page but the last leads on')
        t.ok(page.items.length <= limit)
        t.equal(page.meta.count, expected.length)
        found.push(...page.items)
        cursor = page.nextCursor
      } while (cursor !== null)
      t.same(found, expected)
    }), { numRuns: scaled(200) })
})

t.test('the page of one node has no cursor exactly when nothing follows', async t => {
  const items = [1, 2, 3].map(id => ({ id, name: 'x' }))
  t.equal(pageOf(keys, { limit: 3 }, items).nextCursor, null)
  const { nextCursor } = pageOf(keys, { limit: 2 }, items)
  const last = pageOf(keys, { limit: 2, cursor: nextCursor! }, items)
  t.same(last, { items: [items[2]], nextCursor: null, meta: { count: 3 } })
})

t.test('a cursor is valid on every node with the key', async t => {
  const items = [1, 2].map(id => ({ id, name: 'x' }))
  const slices = [share(items, { limit: 1 }, 9)]
  const [key, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
  const { nextCursor } = joinSlices(keys, pageRequestOf(keys, { limit: 1 }), slices, key)
  const query = { limit: 1, cursor: nextCursor! }
  t.match(pageRequestOf(keys, query, key), { after: { id: 1, key: 1 } })
  t.throws(() => { pageRequestOf(keys, query, other) }, /was not issued by this server/)
  t.throws(() => { pageRequestOf(keys, query) }, /was not issued by this server/)
})
