import type { MissingNodes } from '../client/format.ts'
import { parseInteger } from './command.ts'

const PAGE_SIZE = 1000

/** A page of a list of the REST API. */
interface Page<Item> extends MissingNodes { readonly items: Item[], readonly nextCursor: string | null }

/** The items of several pages, and the nodes that did not respond to any of the requests. */
interface Found<Item> extends MissingNodes { readonly items: Item[] }

/** Options of commands that list `items`, sorted by one of `fields`, by default the first. */
export function listOptions (items: string, fields: readonly string[]) {
  return {
    sort: {
      type: 'string',
      placeholder: '<field>',
      description: `sort by ${fields.join(', ')} (default: ${fields[0]})`,
      values: fields
    },
    order: {
      type: 'string', placeholder: '<asc|desc>', description: 'sort order (default: asc)', values: ['asc', 'desc']
    },
    limit: { type: 'string', placeholder: '<number>', description: `maximum number of ${items}` },
    json: { type: 'boolean', description: 'print JSON with all fields' }
  } as const
}

/** The items of all pages, at most as many as option `limit` says. */
export async function readPages<Item> (
  limit: string | undefined, readPage: (query: { limit: number, cursor: string | undefined }) => Promise<Page<Item>>
): Promise<Found<Item>> {
  const maximum = limit === undefined ? Infinity : parseInteger('--limit', limit, 1)
  const items: Item[] = []
  const unreachable = new Set<string>()
  let partial = false
  let cursor: string | undefined
  do {
    const page = await readPage({ limit: Math.min(PAGE_SIZE, maximum - items.length), cursor })
    items.push(...page.items)
    partial ||= page.partial === true
    for (const node of page.unreachable ?? []) unreachable.add(node)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined && items.length < maximum)
  return { items, partial, unreachable: [...unreachable] }
}
