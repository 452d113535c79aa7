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
 * id, Godot 4 every node object: there a path that is announced anew is that of another node, and its former id is not
 * used any more.
 */
export class AnnouncedPaths {
  readonly #byId = new Map<number, AnnouncedPath>()
  readonly #ids = new Map<string, number>()
  /** Ids of all that a spawned node consists of, by the path of that node. */
  readonly #parts = new Map<string, Set<number>>()
  /**
   * Ids of nodes that were freed here, the least recently used first. The peer may have these nodes still, so their ids
   * are kept until it needs the room for others.
   */
  readonly #freed = new Set<number>()
  #cost = 0

  /** What an id stands for. */
  get (id: number): AnnouncedPath | undefined {
    if (this.#freed.delete(id)) this.#freed.add(id)
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
    const forgotten = new Set<number>()
    let cost = this.#cost + costOf(path)
    const forget = (old: number | undefined): void => {
      const known = old === undefined || forgotten.has(old) ? undefined : this.#byId.get(old)
      if (known === undefined) return
      forgotten.add(old!)
      cost -= costOf(known.path)
    }
    forget(id)
    forget(this.#ids.get(path))
    for (const old of this.#freed) if (cost > MAX_ANNOUNCED) forget(old)
    if (cost > MAX_ANNOUNCED) return false
    for (const old of forgotten) this.#delete(old)
    this.#byId.set(id, announced)
    this.#ids.set(path, id)
    if (spawned !== undefined) this.#parts.set(spawned, (this.#parts.get(spawned) ?? new Set()).add(id))
    this.#cost = cost
    return true
  }

  /** The node at a path was freed here; the peer may have it still, and what it consists of. */
  freed (path: string): void {
    const id = this.#ids.get(path)
    if (id !== undefined) this.#freed.add(id)
    for (const part of this.#parts.get(path) ?? []) this.#freed.add(part)
  }

  /** The spawned node at a path is gone, also at the peer: packets under these ids that are on their way meant it. */
  gone (path: string): void {
    for (const part of this.#parts.get(path) ?? []) {
      this.#cost -= costOf(this.#byId.get(part)!.path)
      this.#delete(part)
    }
  }

  #delete (id: number): void {
    const { path, spawned } = this.#byId.get(id)!
    this.#byId.delete(id)
    this.#freed.delete(id)
    if (this.#ids.get(path) === id) this.#ids.delete(path)
    const parts = spawned === undefined ? undefined : this.#parts.get(spawned)
    parts?.delete(id)
    if (parts?.size === 0) this.#parts.delete(spawned!)
  }
}

function costOf (path: string): number {
  return path.length + PATH_COST
}
