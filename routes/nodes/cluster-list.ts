import type { Page, PageQuery, PageRequest, Slice, SortKeys } from '../page.ts'
import { joinSlices, pageRequestOf } from '../page.ts'
import type { ClusterNodes, MissingNodes, NodeOperation, Scope } from './cluster-nodes.ts'

/** A list whose items are spread over the nodes of a cluster: each gives its share of a page. */
export interface Share<Source, Item, Name extends string, Filter> {
  readonly keys: SortKeys<Source, Name>
  /** What a page request selects from the items of this node that match a filter. */
  readonly slice: (request: PageRequest<Name>, filter: Filter) => Slice<Source>
  readonly describe: (source: Source) => Item
  /** An item in fewer bytes, for one that does not fit into a message. */
  readonly shorten: (item: Item) => Item
}

interface SliceQuery<Name extends string, Filter> { readonly request: PageRequest<Name>, readonly filter: Filter }

/** Bytes of a response that are not items, and bytes of the position of each item. */
const ANSWER_OVERHEAD = 1024
const ENTRY_OVERHEAD = 256

/** Reads pages of a list over all nodes: every node sends no more than a page, and no more than fits into a message. */
export class ClusterList<Source, Item, Name extends string, Filter> {
  readonly #nodes: ClusterNodes
  readonly #share: Share<Source, Item, Name, Filter>
  readonly #operation: NodeOperation<SliceQuery<Name, Filter>, Slice<Item>>

  constructor (nodes: ClusterNodes, name: string, share: Share<Source, Item, Name, Filter>) {
    this.#nodes = nodes
    this.#share = share
    this.#operation = nodes.operation(name, query => this.#sliceHere(query))
  }

  /** One page of the items of all nodes, or only of this one. */
  async page (query: PageQuery<Name>, filter: Filter, scope?: Scope): Promise<Page<Item> & MissingNodes> {
    const { keys } = this.#share
    const key = this.#nodes.cursorKey
    const request = pageRequestOf(keys, query, key)
    const { results, missing } = await this.#operation.everywhere({ request, filter }, scope)
    return { ...joinSlices(keys, request, results, key), ...missing }
  }

  #sliceHere ({ request, filter }: SliceQuery<Name, Filter>): Slice<Item> {
    const { describe, shorten } = this.#share
    const slice = this.#share.slice(request, filter)
    const entries: Array<Slice<Item>['entries'][number]> = []
    let left = this.#nodes.maxAnswer - ANSWER_OVERHEAD
    for (const { item: source, ...position } of slice.entries) {
      const described = describe(source)
      const size = this.#sizeOf(described)
      const item = size > this.#nodes.maxAnswer / 2 ? shorten(described) : described
      left -= item === described ? size : this.#sizeOf(item)
      if (left < 0 && entries.length > 0) return { entries, more: true, count: slice.count }
      entries.push({ ...position, item })
    }
    return { ...slice, entries }
  }

  /** Bytes of an item in a response; unlimited without a cluster. */
  #sizeOf (item: Item): number {
    return this.#nodes.link === undefined ? 0 : Buffer.byteLength(JSON.stringify(item)) + ENTRY_OVERHEAD
  }
}
