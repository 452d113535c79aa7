import type { RpcNode } from '../../../protocol/multiplayer/rpc-node.ts'
import { AnnouncedPaths } from './announced-paths.ts'
import type { AnnouncedPath } from './announced-paths.ts'
import { fromRoot } from './node-path.ts'

/** Confirmations of one peer that may arrive late; beyond that they are reported as unexpected. */
const MAX_LATE = 4096

/** Announcements of one path to one peer under new ids; later ones use the last id again. */
const MAX_RENEWALS = 64

/** A path of the server, and the peers it was announced to. */
export interface OwnPath {
  /** Stands for the path in packets. */
  readonly id: number
  readonly path: string
  /** Peers it was announced to. */
  readonly announcedTo: Set<number>
  /** Those that have confirmed the announcement. */
  readonly confirmed: Set<number>
  /** Those whose node at this path has other methods. */
  readonly differing: Set<number>
  /** Other ids of the path, for peers that refused the first one. */
  readonly renewals: Map<number, Renewal>
}

/** Ids under which a path was announced to a peer again, and the one that it has confirmed. */
interface Renewal { readonly ids: number[], confirmed: number | undefined }

/** Node paths and the ids that stand for them in packets: the server's own, and those of every peer. */
export class PathCache {
  readonly #own = new Map<string, OwnPath>()
  readonly #byId = new Map<number, OwnPath>()
  readonly #announced = new Map<number, AnnouncedPaths>()
  /** What each peer may confirm late, ids and paths, each under the other. */
  readonly #late = new Map<number, Map<RpcNode, RpcNode>>()
  #lastId = 0

  /** The server's entry for a path; ids are 1, 2, 3 ... in the order of first use. */
  own (path: string): OwnPath {
    let own = this.#own.get(path)
    if (own === undefined) {
      own = {
        id: ++this.#lastId,
        path,
        announcedTo: new Set(),
        confirmed: new Set(),
        differing: new Set(),
        renewals: new Map()
      }
      this.#own.set(path, own)
      this.#byId.set(own.id, own)
    }
    return own
  }

  /** The highest id of a path of the server. */
  get lastId (): number {
    return this.#lastId
  }

  /** Retires the server's path ids up to this one; their paths get new ids when they are next used. */
  skipIds (lastId: number): void {
    const renamed = [...this.#own.values()].filter(({ id }) => id <= lastId)
    this.#lastId = Math.max(this.#lastId, lastId)
    for (const { path, differing } of renamed) {
      this.#forgetOwn(path)
      for (const peer of differing) this.own(path).differing.add(peer)
    }
  }

  /** A peer confirms a path of the server, by path or id. Undefined if it was never announced to this peer. */
  confirm (peer: number, node: RpcNode): OwnPath | undefined {
    const own = typeof node === 'string' ? this.#own.get(node) : this.#byId.get(node)
    if (own?.announcedTo.has(peer) !== true) return undefined
    const renewal = own.renewals.get(peer)
    if (node === own.id || (node === own.path && renewal === undefined)) own.confirmed.add(peer)
    else if (renewal === undefined || (node !== own.path && !renewal.ids.includes(node as number))) return undefined
    else renewal.confirmed = node === own.path ? renewal.ids.at(-1) : node as number
    return own
  }

  /** Another id for a path that a peer has not confirmed. */
  renew (peer: number, own: OwnPath): number {
    const renewal = own.renewals.get(peer) ?? { ids: [], confirmed: undefined }
    own.renewals.set(peer, renewal)
    if (renewal.ids.length === MAX_RENEWALS) return renewal.ids.at(-1)!
    const id = ++this.#lastId
    renewal.ids.push(id)
    this.#byId.set(id, own)
    return id
  }

  /** Whether the path was announced to a peer that is still there. */
  isAnnounced (path: string): boolean {
    return (this.#own.get(path)?.announcedTo.size ?? 0) > 0
  }

  /** The id of a path that a peer has confirmed. */
  confirmedId (peer: number, path: string): number | undefined {
    const own = this.#own.get(path)
    return own?.confirmed.has(peer) === true ? own.id : own?.renewals.get(peer)?.confirmed
  }

  /**
   * The path of a confirmation that was on its way when the node was freed or got another id, or the peer moved here;
   * only once for each.
   */
  confirmLate (peer: number, node: RpcNode): string | undefined {
    const late = this.#late.get(peer)
    const other = late?.get(node)
    if (late === undefined || other === undefined) return undefined
    late.delete(node)
    late.delete(other)
    return typeof node === 'string' ? node : other as string
  }

  /** What was announced to a peer and it has not confirmed yet, including nodes that were freed since. */
  unconfirmedOf (peer: number): Array<Pick<OwnPath, 'id' | 'path'>> {
    const late = [...this.#late.get(peer) ?? []]
    return [
      ...late.flatMap(([id, path]) => typeof id === 'number' ? [{ id, path: path as string }] : []),
      ...[...this.#own.values()].flatMap(own => this.#unconfirmed(own, peer))
    ]
  }

  #unconfirmed (
    { id, path, announcedTo, confirmed, renewals }: OwnPath, peer: number
  ): Array<Pick<OwnPath, 'id' | 'path'>> {
    const ids = announcedTo.has(peer) && !confirmed.has(peer) ? [id] : []
    const renewal = renewals.get(peer)
    if (renewal !== undefined) ids.push(...renewal.ids.filter(id => id !== renewal.confirmed))
    return ids.map(id => ({ id, path }))
  }

  /** A peer may still confirm these, of nodes that were freed or in a room that it came from. */
  expectLate (peer: number, unconfirmed: ReadonlyArray<Pick<OwnPath, 'id' | 'path'>>): void {
    for (const { id, path } of unconfirmed) {
      const late = this.#late.get(peer) ?? new Map<RpcNode, RpcNode>()
      if (late.size >= MAX_LATE) return
      this.#late.set(peer, late.set(id, path).set(path, id))
    }
  }

  /** A peer said whether its node at a path has other methods than the server's. */
  differ (peer: number, path: string, isOther: boolean): void {
    const differing = this.#own.get(path)?.differing
    if (isOther) differing?.add(peer)
    else differing?.delete(peer)
  }

  /** From now on `id` stands for `path` in packets of this peer; false if it has announced too much. */
  announce (
    peer: number, id: number, path: string, { md5 = '', spawned }: Partial<AnnouncedPath> = {}
  ): boolean {
    const announced = this.#announced.get(peer) ?? new AnnouncedPaths()
    if (!announced.add({ id, path, md5, spawned })) return false
    this.#announced.set(peer, announced)
    return true
  }

  /** What a peer has announced. */
  announcementsOf (peer: number): AnnouncedPath[] {
    return [...this.#announced.get(peer)?.all ?? []]
  }

  /** What a peer has announced under an id, or last of a path. */
  announced (peer: number, node: RpcNode): AnnouncedPath | undefined {
    const announced = this.#announced.get(peer)
    return typeof node === 'string' ? announced?.at(fromRoot(node)) : announced?.get(node)
  }

  /** What peers have announced of a path last. */
  announcedAt (path: string): AnnouncedPath[] {
    return [...this.#announced.values()].map(announced => announced.at(path)).filter(found => found !== undefined)
  }

  /** The path that a peer means: as it stands in the packet, or as the peer announced it. Undefined if it did not. */
  resolve (peer: number, node: RpcNode): string | undefined {
    return typeof node === 'string' ? fromRoot(node) : this.announced(peer, node)?.path
  }

  /** The peer has left: what it announced and what was announced to it is forgotten. */
  forgetPeer (peer: number): void {
    this.#announced.delete(peer)
    this.#late.delete(peer)
    for (const { announcedTo, confirmed, differing, renewals } of this.#own.values()) {
      for (const id of renewals.get(peer)?.ids ?? []) this.#byId.delete(id)
      for (const peers of [announcedTo, confirmed, differing, renewals]) peers.delete(peer)
    }
  }

  /**
   * What a peer knows of the server's paths: the returned function restores it after `forgetPeer`. Paths that have been
   * forgotten in the meantime may be confirmed late.
   */
  remember (peer: number): () => void {
    const late = this.#late.get(peer)
    const known = [...this.#own.values()].filter(own => isKnownTo(own, peer)).map(own => {
      const { announcedTo, confirmed, differing, renewals } = own
      const sets = [announcedTo, confirmed, differing].filter(peers => peers.has(peer))
      return { own, sets, renewal: renewals.get(peer), unconfirmed: this.#unconfirmed(own, peer) }
    })
    return () => {
      if (late !== undefined) this.#late.set(peer, late)
      for (const { own, sets, renewal, unconfirmed } of known) {
        if (this.#own.get(own.path) !== own) {
          this.expectLate(peer, unconfirmed)
          continue
        }
        for (const peers of sets) peers.add(peer)
        if (renewal === undefined) continue
        own.renewals.set(peer, renewal)
        for (const id of renewal.ids) this.#byId.set(id, own)
      }
    }
  }

  /** The node was freed: if its path is used again, it gets another id. */
  forgetPath (path: string): void {
    for (const announced of this.#announced.values()) announced.freed(path)
    this.#forgetOwn(path)
  }

  #forgetOwn (path: string): void {
    const own = this.#own.get(path)
    if (own === undefined) return
    this.#own.delete(path)
    this.#byId.delete(own.id)
    for (const peer of own.announcedTo) this.expectLate(peer, this.#unconfirmed(own, peer))
    for (const { ids } of own.renewals.values()) for (const id of ids) this.#byId.delete(id)
  }

  /** The spawned node at a path is gone everywhere, with all ids that peers have announced of its parts. */
  gone (path: string): void {
    for (const announced of this.#announced.values()) announced.gone(path)
  }
}

function isKnownTo ({ announcedTo, confirmed, differing, renewals }: OwnPath, peer: number): boolean {
  return [announcedTo, confirmed, differing, renewals].some(peers => peers.has(peer))
}
