import { int, Vector2 } from 'fastify-peer-server'
import type { MembersOf, RemoteNode, Room, SpawnedNode, Spawner, Synchronizer } from 'fastify-peer-server'

/** Ticks per second. */
const RATE = 20
const SIZE = new Vector2(1024, 600)
/** Pixels per second of players and enemies. */
const [SPEED, ENEMY_SPEED] = [240, 60]
/** Distance in pixels at which a player hits an enemy. */
const REACH = 32
const ENEMIES = 5
const HP = 10

/** All `@rpc` functions of /root/Main. */
export const surface = { enter: [String], loaded: [], start: [], over: [String] } as const

/** The synchronizers of the scenes, each in the order of its replication config. */
export const player = { position: { kind: Vector2 } } as const
export const input = { direction: { kind: Vector2 } } as const
export const enemy = { position: { kind: Vector2 }, hp: { kind: int, mode: 'on_change' } } as const
export const state = { seconds_left: { kind: int, mode: 'on_change' } } as const

/** How a match is played. */
export interface MatchOptions {
  /** Players that it begins with. */
  readonly seats: number
  /** How long it lasts. */
  readonly seconds: number
}

interface Fighter {
  readonly name: string
  readonly node: SpawnedNode<typeof player>
  readonly input: Synchronizer<typeof input>
  hits: number
}

/**
 * The game of one room: a lobby, until all seats are taken, then a match. Players load its scene when it starts, each
 * at its own time, and get what is in it once they have reported that.
 */
export class Match {
  readonly fighters = new Map<number, Fighter>()
  /** Players that have loaded the scene. */
  readonly loaded = new Set<number>()
  wave = 0
  readonly #room: Room
  readonly #options: MatchOptions
  readonly #main: RemoteNode<MembersOf<typeof surface>>
  readonly #names = new Map<number, string>()
  #state: Synchronizer<typeof state> | undefined
  #waveNode: SpawnedNode<{}> | undefined
  #enemies: Spawner | undefined
  #ticks = 0
  #timer: NodeJS.Timeout | undefined

  /** Opens the lobby; the game ends with its room. */
  constructor (room: Room, options: MatchOptions) {
    this.#room = room
    this.#options = options
    this.#main = room.multiplayer.node('/root/Main', surface)
    this.#main.method('any_peer', 'enter', (id, name) => { this.#enter(id, name) })
    this.#main.method('any_peer', 'loaded', id => { if (this.fighters.has(id)) this.loaded.add(id) })
    room.on('peer_disconnected', id => { this.#leave(id) })
    room.on('closed', () => { clearInterval(this.#timer) })
  }

  /** Enemies of the current wave. */
  get enemies (): Array<SpawnedNode<typeof enemy>> {
    return [...this.#enemies?.nodes ?? []] as Array<SpawnedNode<typeof enemy>>
  }

  /** Ends the match: everyone hears who won, then the room is closed. */
  async end (): Promise<void> {
    clearInterval(this.#timer)
    const [best] = [...this.fighters.values()].sort((one, other) => other.hits - one.hits)
    this.#main.rpc('over', best?.name ?? '')
    await this.#room.close(1000, 'over')
  }

  #enter (id: number, name: string): void {
    if (this.#names.has(id)) return
    this.#names.set(id, name.slice(0, 16))
    if (this.#state !== undefined) this.#join(id)
    else if (this.#names.size === this.#options.seats) this.#start()
  }

  #leave (id: number): void {
    this.#names.delete(id)
    this.loaded.delete(id)
    this.fighters.get(id)?.node.despawn()
    this.fighters.delete(id)
  }

  #start (): void {
    const { multiplayer } = this.#room
    const values = { seconds_left: this.#options.seconds }
    this.#state = multiplayer.synchronizer('/root/Main/Match/State', state, { values, ...this.#whoHasLoaded })
    for (const id of this.#names.keys()) this.#join(id)
    this.#nextWave()
    this.#timer = setInterval(() => { this.#tick() }, 1000 / RATE)
  }

  /** A player gets a node of the server, with an input that is its own. */
  #join (id: number): void {
    const { multiplayer } = this.#room
    const spawner = multiplayer.spawner('/root/Main/Match/PlayerSpawner', undefined, { spawnPath: '../Players' })
    const node = spawner.spawn(String(id), { scene: 0 }, player, { position: randomPosition() }, this.#whoHasLoaded)
    const own = node.synchronizer('Input', input, { authority: id })
    this.fighters.set(id, { name: this.#names.get(id)!, node, input: own, hits: 0 })
    this.#main.rpcId(id, 'start')
  }

  /** Replaces the wave; what its spawner holds goes with it. */
  #nextWave (): void {
    const { multiplayer } = this.#room
    this.#waveNode?.despawn()
    const waves = multiplayer.spawner('/root/Main/Match/WaveSpawner', undefined, { spawnPath: '../Waves' })
    this.#waveNode = waves.spawn(`Wave${++this.wave}`, { scene: 0 }, {}, {}, this.#whoHasLoaded)
    this.#enemies = multiplayer.spawner(`${this.#waveNode.path}/Spawner`, undefined, { spawnPath: '../Enemies' })
    for (let i = 1; i <= ENEMIES; i++) {
      this.#enemies.spawn(`Enemy${i}`, { scene: 0 }, enemy, { position: randomPosition(), hp: HP })
    }
  }

  get #whoHasLoaded (): { readonly visibility: (id: number) => boolean } {
    return { visibility: id => this.loaded.has(id) }
  }

  #tick (): void {
    const left = this.#options.seconds - Math.floor(++this.#ticks / RATE)
    this.#state!.set('seconds_left', left)
    for (const fighter of this.fighters.values()) this.#move(fighter)
    for (const node of this.enemies) this.#moveEnemy(node)
    if (this.enemies.length === 0) this.#nextWave()
    this.#room.multiplayer.sync()
    if (left <= 0) this.end()
  }

  /** Input of a client may be anything of its type: longer than 1, NaN or infinite. */
  #move ({ node, input }: Fighter): void {
    const { x, y } = input.get('direction') ?? new Vector2()
    const length = Math.max(1, Math.hypot(x, y))
    if (!Number.isFinite(length)) return
    const position = node.get('position')
    node.set('position', new Vector2(
      clamp(position.x + x / length * SPEED / RATE, SIZE.x), clamp(position.y + y / length * SPEED / RATE, SIZE.y)
    ))
  }

  #moveEnemy (node: SpawnedNode<typeof enemy>): void {
    const target = this.#nearest(node.get('position'))
    if (target === undefined) return
    const { x, y } = node.get('position')
    const to = target.node.get('position')
    const distance = Math.hypot(to.x - x, to.y - y)
    if (distance <= REACH) return this.#hit(node, target)
    const step = ENEMY_SPEED / RATE / distance
    node.set('position', new Vector2(x + (to.x - x) * step, y + (to.y - y) * step))
  }

  #hit (node: SpawnedNode<typeof enemy>, fighter: Fighter): void {
    fighter.hits++
    const hp = node.get('hp') - 1
    if (hp <= 0) node.despawn()
    else node.set('hp', hp)
  }

  #nearest ({ x, y }: Vector2): Fighter | undefined {
    let nearest: Fighter | undefined
    let least = Infinity
    for (const fighter of this.fighters.values()) {
      const position = fighter.node.get('position')
      const distance = Math.hypot(position.x - x, position.y - y)
      if (distance >= least) continue
      nearest = fighter
      least = distance
    }
    return nearest
  }
}

function clamp (value: number, size: number): number {
  return Math.min(Math.max(value, 0), size)
}

function randomPosition (): Vector2 {
  return new Vector2(Math.random() * SIZE.x, Math.random() * SIZE.y)
}
