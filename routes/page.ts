import { Type, type TSchema } from '../src/typebox.ts'
import { decodeCursor, encodeCursor, type Position } from './cursor.ts'

/** The sort keys of a kind of item; `identity` tells apart items with equal keys. */
export interface SortKeys<Item, Name extends string> {
  readonly identity: Name
  readonly keys: Readonly<Record<Name, (item: Item) => string | number>>
}

/** Sort key and direction of a list. */
export interface Order<Name extends string> { readonly sort: Name, readonly order: 'asc' | 'desc' }

/** Query parameters of a list. */
export interface PageQuery<Name extends string> extends Partial<Order<Name>> {
  readonly limit?: number
  readonly cursor?: string
}

/** One page, the cursor of the next (null on the last page), and how many items there are on all pages. */
export interface Page<Item> {
  readonly items: Item[]
  readonly nextCursor: string | null
  readonly meta: { readonly count: number }
}

/** The part of a list that a page shows: up to `limit` items after a position, in order. */
export interface PageRequest<Name extends string> extends Order<Name> {
  readonly limit: number
  readonly after?: Position | undefined
}

/** An item with its position in a list. */
interface Entry<Item> extends Position { readonly item: Item }

/** The first items that a page request selects from a list, or from one node's share of it. */
export interface Slice<Item> {
  readonly entries: ReadonlyArray<Entry<Item>>
  /** Whether more items follow. */
  readonly more: boolean
  /** Number of items of the list. */
  readonly count: number
}

const DEFAULT_LIMIT = 100

/** The schema of a list's query parameters; `what` names the items. */
export function pageQuery<Name extends string> ({ identity, keys }: SortKeys<never, Name>, what: string) {
  return {
    limit: Type.Optional(Type.Integer({
      minimum: 1,
      maximum: 1000,
      description: `${what} per page, by default ${DEFAULT_LIMIT}`
    })),
    cursor: Type.Optional(Type.String({ description: '`nextCursor` of the previous page' })),
    sort: Type.Optional(Type.Enum(Object.keys(keys) as Name[], {
      type: 'string',
      description: `Sort key, by default \`${identity}\`; text sorts by code unit`
    })),
    order: Type.Optional(Type.Enum(['asc', 'desc'], {
      type: 'string',
      description: 'Sort order, by default `asc`'
    }))
  }
}

/** What is known about a whole list. */
export const Meta = Type.Object({
  count: Type.Integer({ minimum: 0, description: 'Number of items on all pages', examples: [42] })
}, { description: 'About the whole list' })

/** Members of a response when nodes of the cluster did not respond. */
export const partial = {
  partial: Type.Optional(Type.Literal(true, { description: 'Some nodes of the cluster did not respond within 2 s' })),
  unreachable: Type.Optional(Type.Array(Type.String(), { description: 'Ids of the nodes that did not respond' }))
}

/** Which nodes of a cluster a request is about. */
export const scope = Type.Optional(Type.Enum(['local', 'cluster'], {
  type: 'string',
  description: 'In a cluster: `cluster` (default) for all nodes, `local` for the one that responds'
}))

/** The schema of one page of items. */
export function pageSchema<Item extends TSchema> (item: Item, description: string) {
  return Type.Object({
    items: Type.Array(item),
    nextCursor: Type.Union([Type.String(), Type.Null()], {
      description: 'Cursor of the next page; null on the last page'
    }),
    meta: Meta,
    ...partial
  }, { description })
}

/** One page of a list, whose items may be in any order; `key` signs cursors. */
export function pageOf<Item, Name extends string> (
  keys: SortKeys<Item, Name>, query: PageQuery<Name>, items: Iterable<Item>, key?: Uint8Array
): Page<Item> {
  const request = pageRequestOf(keys, query, key)
  return joinSlices(keys, request, [sliceOf(keys, request, items)], key)
}

/** Parses a query into a page request; `key` signs cursors. */
export function pageRequestOf<Name extends string> (
  list: SortKeys<never, Name>,
  { limit = DEFAULT_LIMIT, cursor, sort = list.identity, order = 'asc' }: PageQuery<Name>,
  key?: Uint8Array
): PageRequest<Name> {
  const after = decodeCursor(nameOf(list, { sort, order }), cursor, key)
  return { limit, sort, order, ...(after === undefined ? {} : { after }) }
}

/** The first items that a page request selects from a list, whose items may be in any order. */
export function sliceOf<Item, Name extends string> (
  { identity, keys }: SortKeys<Item, Name>, { limit, after, sort, order }: PageRequest<Name>, items: Iterable<Item>
): Slice<Item> {
  const direction = order === 'asc' ? 1 : -1
  const [idOf, keyOf] = [keys[identity], keys[sort]]
  // In order, and one more than the page has: no sorting of all for a few of them.
  const entries: Array<Entry<Item>> = []
  let count = 0
  for (const item of items) {
    count++
    const entry = { id: idOf(item), key: keyOf(item), item }
    if (after !== undefined && compare(entry, after) * direction <= 0) continue
    if (entries.length > limit && compare(entry, entries[limit]) * direction >= 0) continue
    insert(entries, entry, direction)
    if (entries.length > limit + 1) entries.pop()
  }
  return { entries: entries.slice(0, limit), more: entries.length > limit, count }
}

/** Inserts an entry into a list in order. */
function insert<Item> (entries: Array<Entry<Item>>, entry: Entry<Item>, direction: 1 | -1): void {
  let [low, high] = [0, entries.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (compare(entries[middle], entry) * direction > 0) high = middle
    else low = middle + 1
  }
  entries.splice(low, 0, entry)
}

/** The same of `count` items of which those after the position are known in order: reads no more than needed. */
export function sliceInOrder<Item, Name extends string> (
  { identity, keys }: SortKeys<Item, Name>, { limit, sort }: PageRequest<Name>, itemsAfter: Iterable<Item>,
  count: number
): Slice<Item> {
  const entries: Array<Entry<Item>> = []
  for (const item of itemsAfter) {
    if (entries.length === limit) return { entries, more: true, count }
    entries.push({ id: keys[identity](item), key: keys[sort](item), item })
  }
  return { entries, more: false, count }
}

/** The page that a page request selects from a list whose items are spread over several nodes. */
export function joinSlices<Item, Name extends string> (
  list: SortKeys<never, Name>, request: PageRequest<Name>, slices: ReadonlyArray<Slice<Item>>, key?: Uint8Array
): Page<Item> {
  const direction = request.order === 'asc' ? 1 : -1
  const byPosition = (a: Position, b: Position): number => compare(a, b) * direction
  // After the end of a slice that is not complete, items of its node may be missing.
  const [end] = slices.flatMap(({ entries, more }) => more ? entries.slice(-1) : []).sort(byPosition)
  const all = slices.flatMap(({ entries }) => entries).sort(byPosition)
  const known = end === undefined ? all : all.filter(entry => byPosition(entry, end) <= 0)
  const page = known.slice(0, request.limit)
  const isLast = page.length === all.length && end === undefined
  return {
    items: page.map(({ item }) => item),
    nextCursor: isLast || page.length === 0 ? null : encodeCursor(nameOf(list, request), page.at(-1)!, key),
    meta: { count: slices.reduce((sum, { count }) => sum + count, 0) }
  }
}

/** Identifies a list and its order in a cursor. */
function nameOf<Name extends string> ({ identity }: SortKeys<never, Name>, { sort, order }: Order<Name>): string {
  return `${identity} ${sort} ${order}`
}

function compare (a: Position, b: Position): number {
  if (a.key === b.key) return a.id === b.id ? 0 : a.id < b.id ? -1 : 1
  return a.key < b.key ? -1 : 1
}
