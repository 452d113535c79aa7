import { GodotError } from '../../../error.ts'
import { isBelow } from '../wire/node-path.ts'
import type { Replication } from './replication.ts'
import type { Replicator } from './replicator.ts'
import { Synchronizer } from './synchronizer.ts'
import type { SynchronizerOptions } from './synchronizer.ts'

/** The synchronizers of one room, by path. */
export class Synchronizers {
  readonly #replicator: Replicator
  readonly #byPath = new Map<string, Synchronizer<any>>()

  constructor (replicator: Replicator) {
    this.#replicator = replicator
  }

  get size (): number {
    return this.#byPath.size
  }

  get (path: string): Synchronizer<any> | undefined {
    return this.#byPath.get(path)
  }

  /** ERR_ALREADY_IN_USE if there is one at this path. */
  add<R extends Replication> (path: string, replication: R, options: SynchronizerOptions<R>): Synchronizer<R> {
    if (this.#byPath.has(path)) throw new GodotError('ERR_ALREADY_IN_USE', `synchronizer ${path} already exists`)
    const synchronizer = new Synchronizer<R>(path, replication, options, {
      replicator: this.#replicator,
      freed: ({ path }) => {
        this.#byPath.delete(path)
        this.#replicator.host.announcer.forget(path)
      }
    })
    this.#byPath.set(path, synchronizer)
    return synchronizer
  }

  /** Those below a node. */
  below (path: string): Array<Synchronizer<any>> {
    return [...this.#byPath.values()].filter(synchronizer => isBelow(synchronizer.path, path))
  }

  /** Sets the authority of those below a node. Throws, before anything is changed, as one of them would. */
  setAuthorityBelow (path: string, id: number): void {
    const below = this.below(path)
    for (const synchronizer of below) synchronizer.checkAuthority(id)
    for (const synchronizer of below) synchronizer.setMultiplayerAuthority(id)
  }
}
