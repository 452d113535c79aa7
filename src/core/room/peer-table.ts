import type { PeerSession } from '../peer/peer-session.ts'
import type { WebSocketPeer } from '../peer/websocket-peer.ts'

/** Peers by id and in ascending order of ids. */
export class PeerTable<Peer extends { readonly id: number, readonly isOpen: boolean } = PeerSession> {
  /** In no order; `#indices` finds a peer by its id. A Map of peers would keep those that have left (`Roster`). */
  readonly #peers: Peer[] = []
  readonly #indices = new Map<number, number>()
  readonly #ids: number[] = []

  get size (): number {
    return this.#peers.length
  }

  has (id: number): boolean {
    return this.#indices.has(id)
  }

  get (id: number): Peer | undefined {
    const index = this.#indices.get(id)
    return index === undefined ? undefined : this.#peers[index]
  }

  add (peer: Peer): void {
    this.#indices.set(peer.id, this.#peers.push(peer) - 1)
    this.#ids.splice(this.#firstAfter(peer.id), 0, peer.id)
  }

  delete ({ id }: Peer): void {
    const index = this.#indices.get(id)
    if (index === undefined) return
    const last = this.#peers.pop()!
    if (last.id !== id) {
      this.#peers[index] = last
      this.#indices.set(last.id, index)
    }
    this.#indices.delete(id)
    this.#ids.splice(this.#firstAfter(id) - 1, 1)
  }

  /** The peers with an id above `id`, ascending. Peers may join and leave during the iteration. */
  * after (id: number): IterableIterator<Peer> {
    for (let at = this.#firstAfter(id); at < this.#ids.length; at = this.#firstAfter(id)) {
      id = this.#ids[at]
      yield this.get(id)!
    }
  }

  /** All peers, ascending. No peer may join or leave during the iteration. */
  * [Symbol.iterator] (): IterableIterator<Peer> {
    for (const id of this.#ids) yield this.get(id)!
  }

  /** Open peers by ascending id; peers may join and leave during the iteration. */
  * open (): IterableIterator<Peer> {
    for (const session of this.after(0)) if (session.isOpen) yield session
  }

  /** Index of the first id above `id`. */
  #firstAfter (id: number): number {
    let low = 0
    let high = this.#ids.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#ids[middle] <= id) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** What applications see of the peers of a table: those with an id above `after`, as `after` of the table. */
export function * peersOf (table: PeerTable, after: number): IterableIterator<WebSocketPeer> {
  for (const { peer } of table.after(after)) yield peer
}
