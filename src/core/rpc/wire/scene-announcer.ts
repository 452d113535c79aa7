import type { OwnPath, PathCache } from './path-cache.ts'
import type { PathAnnouncer } from './rpc-wire.ts'

/** How an announcement is sent. */
export interface SceneAnnouncerHost { send (peer: number, own: OwnPath, id: number): void }

/**
 * Announces the paths of spawners and synchronizers, which a client may not have yet: it loads the scene later. Such an
 * announcement gets no answer, so a path that is used again without having been confirmed is announced again, under
 * another id in case the first one is still on its way: a client accepts each id only once.
 */
export class SceneAnnouncer implements PathAnnouncer {
  readonly #paths: PathCache
  readonly #link: SceneAnnouncerHost
  /** What was announced in this turn of the event loop: ids by peer and path. */
  readonly #fresh = new Map<number, Map<OwnPath, number>>()

  constructor (paths: PathCache, link: SceneAnnouncerHost) {
    this.#paths = paths
    this.#link = link
  }

  announce (peer: number, path: string): number {
    const own = this.#paths.own(path)
    const known = this.confirmedId(peer, path) ?? this.#fresh.get(peer)?.get(own)
    if (known !== undefined) return known
    const id = own.announcedTo.has(peer) ? this.#paths.renew(peer, own) : own.id
    own.announcedTo.add(peer)
    this.#remember(peer, own, id)
    this.#link.send(peer, own, id)
    return id
  }

  confirmedId (peer: number, path: string): number | undefined {
    return this.#paths.confirmedId(peer, path)
  }

  /** Whether any client may know the path. */
  isAnnounced (path: string): boolean {
    return this.#paths.isAnnounced(path)
  }

  /** The peer has left; it may come back in this turn. */
  forgetPeer (peer: number): void {
    this.#fresh.delete(peer)
  }

  forget (path: string): void {
    this.#paths.forgetPath(path)
  }

  gone (path: string): void {
    this.#paths.gone(path)
  }

  #remember (peer: number, own: OwnPath, id: number): void {
    if (this.#fresh.size === 0) setImmediate(() => { this.#fresh.clear() })
    const ids = this.#fresh.get(peer) ?? new Map<OwnPath, number>()
    this.#fresh.set(peer, ids.set(own, id))
  }
}
