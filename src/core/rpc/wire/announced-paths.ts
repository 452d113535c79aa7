/** What one peer may announce: characters of its paths, each path counting as this many more. */
const MAX_ANNOUNCED = 262144
const PATH_COST = 64

/** A path that a peer has announced. */
export interface AnnouncedPath {
  readonly path: string
  /** MD5 of the methods that the peer's node has; empty with Godot 3. */
  readonly md5: string
  /** Path of the spawned node that it is, or is part of. */
  readonly spawned?: string | undefined
  /** MD5 of the methods that the server's node had, if it was freed since. */
  freed?: string
}

/**
 * The paths that one peer has announced, by the ids that stand for them in its packets. Godot 3 gives every path one
 * id, Godot 4 every node object: there a path that is announced again is that of another node, and Godot no longer uses
 * its previous id. Such ids, and those of nodes that were freed here, are kept until the peer needs the space for
 * others.
 */
export class AnnouncedPaths {
  readonly #byId = new Map<number, AnnouncedPath>()
  /** The last id of each path. */
  readonly #ids = new Map<string, number>()
  /** Ids of all that a spawned node consists of, by the path of that node. */
  readonly #parts = new Map<string, Set<number>>()
  /** Ids whose nodes may be gone, the least recently used first. */
  readonly #stale = new Set<number>()
  #cost = 0

  /** What an id stands for. */
  get (id: number): AnnouncedPath | undefined {
    if (this.#stale.delete(id)) this.#stale.add(id)
    return this.#byId.get(id)
  }

  /** The last announcement of a path. */
  at (path: string): AnnouncedPath | undefined {
    const id = this.#ids.get(path)
    return id === undefined ? undefined : this.#byId.get(id)
  }

  get all (): ReadonlyMap<number, AnnouncedPath> {
    return this.#byId
  }

  /** From now on `id` stands for this path; false, and nothing is changed, if the peer has announced too much. */
  add (id: number, announced: AnnouncedPath): boolean {
    const { path, spawned } = announced
    const removed = this.#removedFor(id, path)
    if (removed === undefined) return false
    for (const old of removed) this.#delete(old)
    const previous = this.#ids.get(path)
    if (previous !== undefined) this.#stale.add(previous)
    this.#byId.set(id, announced)
    this.#ids.set(path, id)
    if (spawned !== undefined) this.#parts.set(spawned, (this.#parts.get(spawned) ?? new Set()).add(id))
    this.#cost += costOf(path)
    return true
  }

  /** The ids that an announcement replaces; undefined if it exceeds the limit even so. */
  #removedFor (id: number, path: string): Set<number> | undefined {
    const removed = new Set<number>()
    let cost = this.#cost + costOf(path)
    const remove = (old: number | undefined): void => {
      const known = old === undefined || removed.has(old) ? undefined : this.#byId.get(old)
      if (known === undefined) return
      removed.add(old!)
      cost -= costOf(known.path)
    }
    remove(id)
    for (const old of this.#stale) {
      if (cost <= MAX_ANNOUNCED) break
      remove(old)
    }
    if (cost > MAX_ANNOUNCED) remove(this.#ids.get(path))
    return cost > MAX_ANNOUNCED ? undefined : removed
  }

  /** The node at a path was freed here; the peer may have it still, and what it consists of. */
  freed (path: string): void {
    const id = this.#ids.get(path)
    if (id !== undefined) this.#stale.add(id)
    for (const part of this.#parts.get(path) ?? []) this.#stale.add(part)
  }

  /** The spawned node at a path is gone, also at the peer: packets under these ids that are on their way meant it. */
  gone (path: string): void {
    for (const part of this.#parts.get(path) ?? []) this.#delete(part)
  }

  #delete (id: number): void {
    const { path, spawned } = this.#byId.get(id)!
    this.#byId.delete(id)
    this.#cost -= costOf(path)
    this.#stale.delete(id)
    if (this.#ids.get(path) === id) this.#ids.delete(path)
    const parts = spawned === undefined ? undefined : this.#parts.get(spawned)
    parts?.delete(id)
    if (parts?.size === 0) this.#parts.delete(spawned!)
  }
}

function costOf (path: string): number {
  return path.length + PATH_COST
}
