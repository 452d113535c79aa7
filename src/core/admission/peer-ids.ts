import { randomFillSync } from 'node:crypto'

const FIRST = 2
/** The largest id of a peer: ids have 31 bits. */
export const MAX_PEER_ID = 2147483647
const REMEMBERED = 4096

/** Assigns peer ids: random, 2..2147483647, unique among connected and recently disconnected peers. */
export class PeerIds {
  readonly #used = new Set<number>()
  /** The ids that have left last, and the index of the oldest, which the next one replaces. */
  readonly #left: number[] = []
  #next = 0
  readonly #draw: () => number

  /** `draw` returns a candidate, by default a random one. */
  constructor (draw: () => number = randomId) {
    this.#draw = draw
  }

  take (): number {
    let id = this.#draw()
    while (this.#used.has(id)) id = this.#draw()
    this.#used.add(id)
    return id
  }

  /** The peer with this id has left; the id is reused only after many others have left too. */
  release (id: number): void {
    this.#used.delete(this.#left[this.#next])
    this.#left[this.#next] = id
    this.#next = (this.#next + 1) % REMEMBERED
  }
}

/** Random words, drawn many at a time, and how many of them are used. */
const words = new Uint32Array(256)
let used = words.length

function randomId (): number {
  let id = 0
  while (id < FIRST) {
    if (used === words.length) {
      randomFillSync(words)
      used = 0
    }
    id = words[used++] & MAX_PEER_ID
  }
  return id
}
