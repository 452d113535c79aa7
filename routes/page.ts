import Type, { type TSchema } from 'typebox'
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

/** One page, and the cursor of the next; null on the last page. */
interface Cut<Item> { readonly items: Item[], readonly nextCursor: string | null }

/** One page, and about the whole list: how many items it has on all pages. */
export interface Page<Item> extends Cut<Item> { readonly meta: { readonly count: number } }

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

/** The schema of one page of items. */
export function pageSchema<Item extends TSchema> (item: Item, description: string) {
  return Type.Object({
    items: Type.Array(item),
    nextCursor: Type.Union([Type.String(), Type.Null()], {
      description: 'Cursor of the next page; null on the last page'
    }),
    meta: Meta
  }, { description })
}

/** A list: its items after a position in order, and how many there are. */
export interface List<Item, Name extends string> {
  readonly itemsAfter: (by: Order<Name>, after: Position | undefined) => Iterable<Item>
  readonly count: () => number
}

/** Cuts a page out of a list. */
export function pageOf<Item, Name extends string> (
  keys: SortKeys<Item, Name>, query: PageQuery<Name>, { itemsAfter, count }: List<Item, Name>
): Page<Item> {
  return { ...cut(keys, query, itemsAfter), meta: { count: count() } }
}

function cut<Item, Name extends string> (
  list: SortKeys<Item, Name>,
  { limit = DEFAULT_LIMIT, cursor, sort = list.identity, order = 'asc' }: PageQuery<Name>,
  itemsAfter: List<Item, Name>['itemsAfter']
): Cut<Item> {
  const name = `${list.identity} ${sort} ${order}`
  const items: Item[] = []
  for (const item of itemsAfter({ sort, order }, decodeCursor(name, cursor))) {
    if (items.length === limit) {
      return { items, nextCursor: encodeCursor(name, positionOf(list, items[limit - 1], sort)) }
    }
    items.push(item)
  }
  return { items, nextCursor: null }
}

/** The items after a position, in order. */
export function inOrder<Item, Name extends string> (
  list: SortKeys<Item, Name>, items: Iterable<Item>, { sort, order }: Order<Name>, after: Position | undefined
): Item[] {
  const direction = order === 'asc' ? 1 : -1
  const [idOf, keyOf] = [list.keys[list.identity], list.keys[sort]]
  const entries: Array<Position & { item: Item }> = []
  for (const item of items) {
    const entry = { id: idOf(item), key: keyOf(item), item }
    if (after === undefined || compare(entry, after) * direction > 0) entries.push(entry)
  }
  return entries.sort((a, b) => compare(a, b) * direction).map(({ item }) => item)
}

function positionOf<Item, Name extends string> (
  { identity, keys }: SortKeys<Item, Name>, item: Item, sort: Name
): Position {
  return { id: keys[identity](item), key: keys[sort](item) }
}

function compare (a: Position, b: Position): number {
  if (a.key === b.key) return a.id === b.id ? 0 : a.id < b.id ? -1 : 1
  return a.key < b.key ? -1 : 1
}
