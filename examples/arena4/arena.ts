import { int, PackedVector2Array, Vector2 } from 'fastify-peer-server'
import type { MembersOf, RemoteNode, Room } from 'fastify-peer-server'

/** Ticks per second. */
const RATE = 60
const SIZE = new Vector2(1024, 600)
/** Pixels per second. */
const SPEED = 240
/** Maximum distance in pixels at which a player collects the coin. */
const REACH = 24

/**
 * All `@rpc` functions of /root/Main on both sides. Godot 4 assigns method ids by sorted name, so the list must be
 * complete.
 */
export const surface = {
  join: [String],
  steer: [Vector2],
  state: [int, Int32Array, PackedVector2Array],
  coin: [Vector2],
  scores: [Map],
  over: []
} as const

interface Player { readonly name: string, position: Vector2, direction: Vector2, score: number }

/** The game of one room: players send directions, and the server moves them and keeps the scores. */
export class Arena {
  tick = 0
  coin = randomPosition()
  readonly players = new Map<number, Player>()
  readonly #main: RemoteNode<MembersOf<typeof surface>>
  #timer: NodeJS.Timeout | undefined

  /** Starts the game; it ends with its room. */
  constructor (room: Room) {
    this.#main = room.multiplayer.node('/root/Main', surface)
    this.#main.method('any_peer', 'join', (id, name) => this.#join(id, name))
    this.#main.method('any_peer', 'steer', (id, direction) => this.#steer(id, direction))
    room.on('peer_disconnected', id => this.#leave(id))
    room.on('closed', () => clearTimeout(this.#timer))
    this.#run()
  }

  /** Stops the game and notifies the players. */
  stop (): void {
    clearTimeout(this.#timer)
    this.#main.rpc('over')
  }

  /** Name and score by player, as sent to the players. */
  get scores (): Map<number, [string, number]> {
    return new Map([...this.players].map(([id, { name, score }]) => [id, [name, score]]))
  }

  #join (id: number, name: string): void {
    if (this.players.has(id)) return
    this.players.set(id, { name: name.slice(0, 16), position: randomPosition(), direction: new Vector2(), score: 0 })
    this.#main.rpcId(id, 'coin', this.coin)
    this.#main.rpc('scores', this.scores)
  }

  #leave (id: number): void {
    if (this.players.delete(id)) this.#main.rpc('scores', this.scores)
  }

  /**
   * Validates input: limits the length to 1, so that all players have the same maximum speed, and ignores NaN and
   * infinity.
   */
  #steer (id: number, { x, y }: Vector2): void {
    const player = this.players.get(id)
    const length = Math.max(1, Math.hypot(x, y))
    if (player !== undefined && Number.isFinite(length)) player.direction = new Vector2(x / length, y / length)
  }

  /** Runs `RATE` ticks per second on average even if timers are late. */
  #run (): void {
    let due = performance.now()
    const run = (): void => {
      for (; due <= performance.now(); due += 1000 / RATE) this.#step()
      this.#timer = setTimeout(run, due - performance.now())
    }
    run()
  }

  #step (): void {
    this.tick++
    for (const player of this.players.values()) this.#move(player)
    const positions = [...this.players.values()].map(({ position }) => position)
    const ids = Int32Array.from(this.players.keys())
    this.#main.rpcUnreliable('state', this.tick, ids, new PackedVector2Array(positions))
  }

  #move (player: Player): void {
    const { position, direction } = player
    const x = clamp(position.x + direction.x * SPEED / RATE, SIZE.x)
    const y = clamp(position.y + direction.y * SPEED / RATE, SIZE.y)
    player.position = new Vector2(x, y)
    if (Math.hypot(x - this.coin.x, y - this.coin.y) > REACH) return
    player.score++
    this.coin = randomPosition()
    this.#main.rpc('scores', this.scores)
    this.#main.rpc('coin', this.coin)
  }
}

function clamp (value: number, size: number): number {
  return Math.min(Math.max(value, 0), size)
}

function randomPosition (): Vector2 {
  return new Vector2(Math.random() * SIZE.x, Math.random() * SIZE.y)
}
