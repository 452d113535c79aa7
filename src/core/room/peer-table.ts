import type { PeerSession } from '../peer/peer-session.ts'

/** Peers by id and in ascending order of ids. */
export class PeerTable<Peer extends { readonly id: number, readonly isOpen: boolean } = PeerSession> {
  readonly #byId = new Map<number, Peer>()
  readonly #ids: number[] = []

  get size (): number {
    return this.#byId.size
  }

  has (id: number): boolean {
    return this.#byId.has(id)
  }

  get (id: number): Peer | undefined {
    return this.#byId.get(id)
  }

  add (peer: Peer): void {
    this.#byId.set(peer.id, peer)
    this.#ids.splice(this.#firstAfter(peer.id), 0, peer.id)
  }

  delete (peer: Peer): void {
    if (this.#byId.delete(peer.id)) this.#ids.splice(this.#firstAfter(peer.id) - 1, 1)
  }

  /** The peers with an id above `id`, ascending. Peers may join and leave during the iteration. */
  * after (id: number): IterableIterator<Peer> {
    for (let at = this.#firstAfter(id); at < this.#ids.length; at = this.#firstAfter(id)) {
      id = this.#ids[at]
      yield this.#byId.get(id)!
    }
  }

  /** All peers, ascending. No peer may join or leave during the iteration. */
  * [Symbol.iterator] (): IterableIterator<Peer> {
    for (const id of this.#ids) yield this.#byId.get(id)!
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
