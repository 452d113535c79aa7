import { int, PoolVector2Array, Vector2 } from '../../index.ts'
import type { MembersOf, RemoteNode, WebSocketServer } from '../../index.ts'

/** Ticks a second. */
const RATE = 60
const SIZE = new Vector2(1024, 600)
/** Pixels a second. */
const SPEED = 240
/** How near a player must come to take the coin, in pixels. */
const REACH = 24

/** What /root/Main has: what players call here, and what they are told. */
const surface = {
  join: [String],
  steer: [Vector2],
  state: [int, Int32Array, PoolVector2Array],
  over: [],
  coin: Vector2,
  scores: Map
} as const

interface Player { readonly name: string, position: Vector2, direction: Vector2, score: number }

/**
 * A game of which the players only see the outcome: they say where they want to go, the server moves them and counts
 * the coins.
 */
export class Arena {
  tick = 0
  coin = somewhere()
  readonly players = new Map<number, Player>()
  readonly #main: RemoteNode<MembersOf<typeof surface>>
  #timer: NodeJS.Timeout | undefined

  constructor (server: WebSocketServer) {
    this.#main = server.multiplayer.node('/root/Main', surface)
    this.#main.method('master', 'join', (id, name) => this.#join(id, name))
    this.#main.method('master', 'steer', (id, direction) => this.#steer(id, direction))
    server.on('peer_disconnected', id => this.#leave(id))
  }

  /** Plays, `RATE` ticks a second however late the timer is. */
  start (): void {
    let due = performance.now()
    const run = (): void => {
      for (; due <= performance.now(); due += 1000 / RATE) this.#step()
      this.#timer = setTimeout(run, due - performance.now())
    }
    run()
  }

  /** Ends the round: nothing moves any more, and the players are told. */
  stop (): void {
    clearTimeout(this.#timer)
    this.#main.rpc('over')
  }

  /** Names and points by player, as the players see them. */
  get scores (): Map<number, [string, number]> {
    return new Map([...this.players].map(([id, { name, score }]) => [id, [name, score]]))
  }

  #join (id: number, name: string): void {
    if (this.players.has(id)) return
    this.players.set(id, { name: name.slice(0, 16), position: somewhere(), direction: new Vector2(), score: 0 })
    this.#main.rsetId(id, 'coin', this.coin)
    this.#main.rset('scores', this.scores)
  }

  #leave (id: number): void {
    if (this.players.delete(id)) this.#main.rset('scores', this.scores)
  }

  /** What comes from a player is a wish: nobody goes faster than the others, or nowhere in particular. */
  #steer (id: number, { x, y }: Vector2): void {
    const player = this.players.get(id)
    const length = Math.max(1, Math.hypot(x, y))
    if (player !== undefined && Number.isFinite(length)) player.direction = new Vector2(x / length, y / length)
  }

  #step (): void {
    this.tick++
    for (const player of this.players.values()) this.#move(player)
    const positions = [...this.players.values()].map(({ position }) => position)
    this.#main.rpcUnreliable('state', this.tick, Int32Array.from(this.players.keys()), new PoolVector2Array(positions))
  }

  #move (player: Player): void {
    const { position, direction } = player
    const x = within(position.x + direction.x * SPEED / RATE, SIZE.x)
    const y = within(position.y + direction.y * SPEED / RATE, SIZE.y)
    player.position = new Vector2(x, y)
    if (Math.hypot(x - this.coin.x, y - this.coin.y) > REACH) return
    player.score++
    this.coin = somewhere()
    this.#main.rset('scores', this.scores)
    this.#main.rset('coin', this.coin)
  }
}

function within (value: number, size: number): number {
  return Math.min(Math.max(value, 0), size)
}

function somewhere (): Vector2 {
  return new Vector2(Math.random() * SIZE.x, Math.random() * SIZE.y)
}
