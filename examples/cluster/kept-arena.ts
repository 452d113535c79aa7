import type { Room } from 'fastify-peer-server'
import { Vector2 } from 'fastify-peer-server'
import { Arena } from '../arena/arena.ts'

/** Milliseconds between two writes of the state: as much is lost when a node is. */
const INTERVAL = 1000

/** A game as it is kept in the cluster: JSON, about 100 bytes per player. */
interface Saved {
  readonly tick: number
  readonly coin: Point
  readonly players: ReadonlyArray<readonly [id: number, player: SavedPlayer]>
}

interface SavedPlayer { readonly name: string, readonly position: Point, readonly score: number }

interface Point { readonly x: number, readonly y: number }

/** A game that outlives its node: each second it keeps its state in the cluster, and continues from it elsewhere. */
export class KeptArena {
  readonly arena: Arena
  readonly #room: Room
  readonly #onError: (error: unknown) => void
  #timer: NodeJS.Timeout | undefined

  /** Starts the game; it ends with its room. `onError`: the state could not be read or written. */
  constructor (room: Room, onError: (error: unknown) => void) {
    this.arena = new Arena(room)
    this.#room = room
    this.#onError = onError
    room.on('closed', () => { clearInterval(this.#timer) })
  }

  /** Continues from what the previous home has kept, if there is one, and keeps the state from now on. */
  async run (isFailover: boolean): Promise<void> {
    if (isFailover) await this.#restore().catch(this.#onError)
    if (!this.#room.isOpen) return
    this.#timer ??= setInterval(() => { this.#save().catch(this.#onError) }, INTERVAL)
  }

  /** Players may have joined again by themselves: what is known of them is better. */
  async #restore (): Promise<void> {
    const bytes = await this.#room.state.get()
    if (bytes === undefined) return
    const { tick, coin, players } = JSON.parse(Buffer.from(bytes).toString()) as Saved
    const { arena } = this
    arena.tick = Math.max(arena.tick, tick)
    arena.coin = vector(coin)
    for (const [id, { name, position, score }] of players) {
      // Those of the lost node are gone.
      if (!this.#room.hasPeer(id)) continue
      arena.players.set(id, { name, position: vector(position), direction: new Vector2(), score })
    }
    arena.sendAll()
  }

  async #save (): Promise<void> {
    if (!this.#room.isHome) return
    const { tick, coin, players } = this.arena
    const saved: Saved = { tick, coin, players: [...players] }
    await this.#room.state.set(Buffer.from(JSON.stringify(saved)))
  }
}

function vector ({ x, y }: Point): Vector2 {
  return new Vector2(x, y)
}
