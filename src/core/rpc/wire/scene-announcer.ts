import type { OwnPath, PathCache } from './path-cache.ts'
import type { PathAnnouncer } from './rpc-wire.ts'

/** How an announcement is sent. */
export interface AnnouncementLink { send (peer: number, own: OwnPath, id: number): void }

/**
 * Announces the paths of spawners and synchronizers, which a client may not have yet: it loads the scene later. Such an
 * announcement gets no answer, so a path that is used again without having been confirmed is announced again, under
 * another id in case the first one is still on its way: a client accepts each id only once.
 */
export class SceneAnnouncer implements PathAnnouncer {
  readonly #paths: PathCache
  readonly #link: AnnouncementLink
  /** What was announced in this turn of the event loop: paths by peer. */
  readonly #fresh = new Map<number, Map<string, number>>()

  constructor (paths: PathCache, link: AnnouncementLink) {
    this.#paths = paths
    this.#link = link
  }

  announce (peer: number, path: string): number {
    const known = this.confirmedId(peer, path) ?? this.#fresh.get(peer)?.get(path)
    if (known !== undefined) return known
    const own = this.#paths.own(path)
    const id = own.announcedTo.has(peer) ? this.#paths.renew(peer, own) : own.id
    own.announcedTo.add(peer)
    this.#keep(peer, path, id)
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

  forget (path: string): void {
    this.#paths.forgetPath(path)
    for (const paths of this.#fresh.values()) paths.delete(path)
  }

  #keep (peer: number, path: string, id: number): void {
    if (this.#fresh.size === 0) setImmediate(() => { this.#fresh.clear() })
    const paths = this.#fresh.get(peer) ?? new Map<string, number>()
    this.#fresh.set(peer, paths.set(path, id))
  }
}
