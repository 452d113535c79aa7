import { setImmediate as nextTurn } from 'node:timers/promises'
import { BusError, type Bus, type KeyStore, type StoreEntry } from '../../../src/cluster/bus/bus.ts'
import type { Random } from '../random/random.ts'
import { override } from '../override.ts'

/** A pause before or after a request to a store, or before a report, takes fewer turns of the event loop. */
const LATE = 6

/**
 * A bus whose stores are as slow as those of a busy broker: answers and reported changes overtake each other, and of
 * changes of a key in quick succession only the last one is reported.
 */
export function slowBus (bus: Bus, random: Random): Bus {
  return override(bus, {
    openStore: async (name: string, seconds?: number) => slowStore(bus, await bus.openStore(name, seconds), random)
  })
}

function slowStore (bus: Bus, store: KeyStore, random: Random): KeyStore {
  const pause = async (): Promise<void> => {
    for (let turns = random.below(LATE); turns > 0; turns--) await nextTurn()
  }
  let isSent = Promise.resolve()
  /** Writes reach the broker in order, as over one connection. */
  const inOrder = async (): Promise<void> => { await (isSent = isSent.then(pause)) }
  const late = <Args extends unknown[], Answer>(ask: (...args: Args) => Promise<Answer>, wait = inOrder) => async (
    ...args: Args
  ): Promise<Answer> => {
    await wait()
    const answer = await ask(...args)
    let isLost = false
    const end = bus.onStatus(() => { isLost = true })
    await pause()
    end()
    if (isLost) throw new BusError('disconnected', 'the answer was lost')
    return answer
  }
  return override(store, {
    create: late(store.create.bind(store)),
    update: late(store.update.bind(store)),
    put: late(store.put.bind(store)),
    delete: late(store.delete.bind(store)),
    get: late(store.get.bind(store), pause),
    watch: async (receive: (entry: StoreEntry) => void, renewed = (): void => {}) => {
      const reports = new Reports(receive, renewed, pause)
      const end = await store.watch(entry => { reports.add(entry) }, () => { reports.add('renewed') })
      await reports.delivered()
      return () => {
        reports.end()
        end()
      }
    }
  })
}

/** What a watch reports, one after the other. */
class Reports {
  readonly #receive: (entry: StoreEntry) => void
  readonly #renewed: () => void
  readonly #pause: () => Promise<void>
  #waiting: Array<StoreEntry | 'renewed'> = []
  #delivery: Promise<void> | undefined

  constructor (receive: (entry: StoreEntry) => void, renewed: () => void, pause: () => Promise<void>) {
    this.#receive = receive
    this.#renewed = renewed
    this.#pause = pause
  }

  add (report: StoreEntry | 'renewed'): void {
    if (report === 'renewed') this.#waiting = []
    else this.#waiting = this.#waiting.filter(earlier => earlier === 'renewed' || earlier.key !== report.key)
    this.#waiting.push(report)
    this.#delivery ??= this.#deliver()
  }

  async delivered (): Promise<void> {
    await this.#delivery
  }

  end (): void {
    this.#waiting = []
  }

  async #deliver (): Promise<void> {
    await this.#pause()
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (next === 'renewed') this.#renewed()
      else this.#receive(next)
      await this.#pause()
    }
    this.#delivery = undefined
  }
}
