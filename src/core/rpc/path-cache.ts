import { GodotError } from '../../error.ts'

/** What one peer may announce: characters of its paths, each path counting for so many more. */
const MAX_ANNOUNCED = 262144
const PATH_COST = 64

/** A path of ours under the number it goes by; which peers were told so, and which of them have confirmed it, or said that their node there is another. */
export interface OwnPath {
  readonly id: number
  readonly path: string
  readonly told: Set<number>
  readonly confirmed: Set<number>
  readonly differing: Set<number>
}

/** What one peer announced. */
interface Announced { readonly paths: Map<number, string>, cost: number }

/** Node paths as small numbers: ours, which every peer must be told of, and those of every peer. */
export class PathCache {
  readonly #own = new Map<string, OwnPath>()
  readonly #byId = new Map<number, OwnPath>()
  readonly #announced = new Map<number, Announced>()
  #lastId = 0

  /** Our number for a path: 1, 2, 3 ... in the order of first use. */
  own (path: string): OwnPath {
    let own = this.#own.get(path)
    if (own === undefined) {
      own = { id: ++this.#lastId, path, told: new Set(), confirmed: new Set(), differing: new Set() }
      this.#own.set(path, own)
      this.#byId.set(own.id, own)
    }
    return own
  }

  /** The path of ours, given by itself or by its number, if this peer was told of it. */
  toldTo (peer: number, node: string | number): OwnPath | undefined {
    const own = typeof node === 'string' ? this.#own.get(node) : this.#byId.get(node)
    return own?.told.has(peer) === true ? own : undefined
  }

  /** A peer knows a path of ours by its number now; false when it was never told. */
  confirm (peer: number, path: string): boolean {
    const own = this.toldTo(peer, path)
    own?.confirmed.add(peer)
    return own !== undefined
  }

  /** A peer said whether its node at a path has other methods than ours. */
  differ (peer: number, path: string, isOther: boolean): void {
    const differing = this.#own.get(path)?.differing
    if (isOther) differing?.add(peer)
    else differing?.delete(peer)
  }

  /** A peer will say `id` for `path` from now on, whatever the number stood for before; false when it announced too much. */
  announce (peer: number, id: number, path: string): boolean {
    const announced = this.#announced.get(peer) ?? { paths: new Map(), cost: 0 }
    const cost = announced.cost + costOf(path) - costOf(announced.paths.get(id))
    if (cost > MAX_ANNOUNCED) return false
    announced.paths.set(id, path)
    announced.cost = cost
    this.#announced.set(peer, announced)
    return true
  }

  /** The path that a peer means by its number. */
  announced (peer: number, id: number): string | undefined {
    return this.#announced.get(peer)?.paths.get(id)
  }

  /** The peer is gone: its numbers mean nothing any more, and it was never told of ours. */
  forgetPeer (peer: number): void {
    this.#announced.delete(peer)
    for (const { told, confirmed, differing } of this.#own.values()) for (const peers of [told, confirmed, differing]) peers.delete(peer)
  }

  /** The node is gone: should its path be used again, it gets another number. */
  forgetPath (path: string): void {
    const own = this.#own.get(path)
    if (own === undefined) return
    this.#own.delete(path)
    this.#byId.delete(own.id)
  }
}

function costOf (path: string | undefined): number {
  return path === undefined ? 0 : path.length + PATH_COST
}

const ROOT = '/root'

/** A path as it goes over the wire, from the tree's root: `/root/Main/Pawn` is `Main/Pawn`, the root itself is `.`; others stay. */
export function fromRoot (path: string): string {
  if (path === ROOT) return '.'
  return path.startsWith(ROOT + '/') ? path.slice(ROOT.length + 1) : path
}

/** The same for a path that a program gives; ERR_INVALID_PARAMETER when it can be no node's. */
export function checkedPath (path: string): string {
  const relative = fromRoot(path)
  const isNode = relative === '.' || relative.split('/').every(name => name !== '' && name !== '.' && name !== '..')
  if (isNode && !/[:\0]/.test(relative)) return relative
  throw new GodotError('ERR_INVALID_PARAMETER', `node path ${JSON.stringify(path)}: it must be like /root/Main or Main/Pawn`)
}
