import { idKey } from './id-key.ts'

/**
 * What one peer may announce: characters of its paths, each path counting as this many more. Thousands of short paths
 * take the most memory, 0.75 MB.
 */
const MAX_ANNOUNCED = 262144
const PATH_COST = 64

/** A path that a peer has announced. */
export interface AnnouncedPath {
  /** Stands for the path in packets of the peer. */
  readonly id: number
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
  readonly #byKey = new Map<number, AnnouncedPath>()
  /** The last announcement of each path. */
  readonly #last = new Map<string, AnnouncedPath>()
  /** All that a spawned node consists of, by the path of that node. */
  readonly #parts = new Map<string, Set<AnnouncedPath>>()
  /** Those whose nodes may be gone, the least recently used first. */
  readonly #stale = new Set<AnnouncedPath>()
  #cost = 0

  /** What an id stands for. */
  get (id: number): AnnouncedPath | undefined {
    const announced = this.#byKey.get(idKey(id))
    if (announced !== undefined && this.#stale.delete(announced)) this.#stale.add(announced)
    return announced
  }

  /** The last announcement of a path. */
  at (path: string): AnnouncedPath | undefined {
    return this.#last.get(path)
  }

  get all (): Iterable<AnnouncedPath> {
    return this.#byKey.values()
  }

  /** From now on its id stands for this path; false, and nothing is changed, if the peer has announced too much. */
  add (announced: AnnouncedPath): boolean {
    const { id, path, spawned } = announced
    const removed = this.#removedFor(announced)
    if (removed === undefined) return false
    for (const old of removed) this.#delete(old)
    const previous = this.#last.get(path)
    if (previous !== undefined) this.#stale.add(previous)
    this.#byKey.set(idKey(id), announced)
    this.#last.set(path, announced)
    if (spawned !== undefined) this.#parts.set(spawned, (this.#parts.get(spawned) ?? new Set()).add(announced))
    this.#cost += costOf(announced)
    return true
  }

  /** What an announcement replaces; undefined if it exceeds the limit even so. */
  #removedFor (announced: AnnouncedPath): Set<AnnouncedPath> | undefined {
    const removed = new Set<AnnouncedPath>()
    let cost = this.#cost + costOf(announced)
    const remove = (old: AnnouncedPath | undefined): void => {
      if (old === undefined || removed.has(old)) return
      removed.add(old)
      cost -= costOf(old)
    }
    remove(this.#byKey.get(idKey(announced.id)))
    for (const old of this.#stale) {
      if (cost <= MAX_ANNOUNCED) break
      remove(old)
    }
    if (cost > MAX_ANNOUNCED) remove(this.#last.get(announced.path))
    return cost > MAX_ANNOUNCED ? undefined : removed
  }

  /** The node at a path was freed here; the peer may have it still, and what it consists of. */
  freed (path: string): void {
    const last = this.#last.get(path)
    if (last !== undefined) this.#stale.add(last)
    for (const part of this.#parts.get(path) ?? []) this.#stale.add(part)
  }

  /** The spawned node at a path is gone, also at the peer: packets under these ids that are on their way meant it. */
  gone (path: string): void {
    for (const part of this.#parts.get(path) ?? []) this.#delete(part)
  }

  #delete (announced: AnnouncedPath): void {
    const { id, path, spawned } = announced
    this.#byKey.delete(idKey(id))
    this.#cost -= costOf(announced)
    this.#stale.delete(announced)
    if (this.#last.get(path) === announced) this.#last.delete(path)
    const parts = spawned === undefined ? undefined : this.#parts.get(spawned)
    parts?.delete(announced)
    if (parts?.size === 0) this.#parts.delete(spawned!)
  }
}

function costOf ({ path }: AnnouncedPath): number {
  return path.length + PATH_COST
}
