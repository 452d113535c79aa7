import { parseInteger } from './command.ts'

const PAGE_SIZE = 1000

/** A page of a list of the REST API. */
interface Page<Item> { readonly items: Item[], readonly nextCursor: string | null }

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
): Promise<Item[]> {
  const maximum = limit === undefined ? Infinity : parseInteger('--limit', limit, 1)
  const found: Item[] = []
  let cursor: string | undefined
  do {
    const page = await readPage({ limit: Math.min(PAGE_SIZE, maximum - found.length), cursor })
    found.push(...page.items)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined && found.length < maximum)
  return found
}
