import { GodotError } from '../../error.ts'
import { encodeDeltas, encodeDespawn, encodeSpawn, encodeSyncs } from '../../protocol/multiplayer/replication4-packet.ts'
import type { Spawn, Sync } from '../../protocol/multiplayer/replication4-packet.ts'
import { target } from '../../protocol/multiplayer/relay-packet.ts'
import type { Variant } from '../../protocol/variant/variant-types.ts'
import { MemberPassage } from './rpc-surface.ts'
import type { Kind, ValueOf } from './rpc-surface.ts'

/**
 * A property as the SceneReplicationConfig of the clients has it: whether it goes with a spawn (true unless given), and when it is sent
 * later: at every sync (`always`, unless given), after it changed, or never.
 */
export interface SyncedProperty { readonly kind: Kind, readonly spawn?: boolean, readonly mode?: 'always' | 'on_change' | 'never' }

/** The properties of a MultiplayerSynchronizer, in the order of its SceneReplicationConfig; names are the program's own. */
export type Replication = Readonly<Record<string, SyncedProperty>>

/** The values of such properties. */
export type ReplicatedValues<R extends Replication> = { [Name in keyof R]: ValueOf<R[Name]['kind']> }

/** What is spawned: a scene, by its number in the spawner's list, or what its `spawn_function` is given. */
export type Spawned = Spawn['what']

/** What a replicator asks of its MultiplayerAPI. */
export interface ReplicatorHost {
  readonly connected: ReadonlySet<number>
  /** Bytes of the largest packet that can be sent. */
  readonly maxPacketSize: number
  /** Sends one packet: to all (0), or to one. */
  putTo (to: number, packet: Uint8Array): void
  /** Tells a peer the number of a path if it was not told yet; the number. */
  tellPath (peer: number, path: string): number
}

const MAX_SCENE = 254
const MAX_CHANGING = 64

interface Property extends SyncedProperty { readonly name: string, readonly passage: MemberPassage }

/** A node that the server placed in the scene of every client. */
export class SpawnedNode<R extends Replication = Replication> {
  readonly name: string
  readonly #spawner: Spawner
  readonly #id: number
  readonly #synchronizer: number | undefined
  readonly #what: Spawned
  readonly #properties: readonly Property[]
  readonly #values: Map<string, Variant>
  /** Names of values that changed since they were sent. */
  readonly #changed: Set<string>

  constructor (spawner: Spawner, id: number, name: string, what: Spawned, replication: R, values: ReplicatedValues<R>) {
    this.#spawner = spawner
    this.#id = id
    this.name = name
    this.#what = what
    this.#properties = Object.entries(replication).map(([name, property]) => ({ ...property, name, passage: new MemberPassage([property.kind]) }))
    this.#synchronizer = this.#properties.length > 0 ? id + 1 : undefined
    this.#values = new Map(this.#properties.map(({ name }) => [name, values[name] as Variant]))
    this.#changed = new Set(this.#of('on_change').map(({ name }) => name))
    if (this.#changed.size > MAX_CHANGING) throw new GodotError('ERR_INVALID_PARAMETER', `over ${MAX_CHANGING} properties that are sent on change`)
    this.#check(this.#properties)
  }

  /** The value of a property. */
  get<Name extends keyof R & string> (name: Name): ValueOf<R[Name]['kind']> {
    return this.#values.get(name) as never
  }

  /** Changes a property; clients hear of it with the next `sync`. Errors as of `spawn`. */
  set<Name extends keyof R & string> (name: Name, value: ValueOf<R[Name]['kind']>): void {
    const property = this.#properties.find(property => property.name === name)
    if (property === undefined) throw new GodotError('ERR_INVALID_PARAMETER', `no property ${name} is declared`)
    const before = this.#values.get(name)!
    this.#values.set(name, value as Variant)
    try {
      this.#check([property])
    } catch (error) {
      this.#values.set(name, before)
      throw error
    }
    if (property.mode === 'on_change') this.#changed.add(name)
  }

  /** Takes the node out of every client's scene. */
  despawn (): void {
    this.#spawner.despawned(this, encodeDespawn(this.#id))
  }

  // ---- what its spawner asks ----

  spawnPacket (spawner: number): Uint8Array {
    const values = this.#valuesOf(this.#properties.filter(({ spawn = true }) => spawn))
    return encodeSpawn({ spawner, node: this.#id, synchronizers: this.#synchronizer === undefined ? [] : [this.#synchronizer], name: this.name, what: this.#what, values })
  }

  /** What is always sent, if anything is. */
  sync (): Sync | undefined {
    const properties = this.#of('always')
    return properties.length === 0 ? undefined : { id: this.#synchronizer!, values: this.#valuesOf(properties) }
  }

  /** What changed since the last time; for a newcomer all that ever changes. */
  delta (isForNewcomer = false): Sync | undefined {
    const watched = this.#of('on_change')
    const properties = isForNewcomer ? watched : watched.filter(({ name }) => this.#changed.has(name))
    if (!isForNewcomer) this.#changed.clear()
    if (properties.length === 0) return undefined
    const changed = properties.reduce((bits, property) => bits | 1n << BigInt(watched.indexOf(property)), 0n)
    return { id: this.#synchronizer!, changed, values: this.#valuesOf(properties) }
  }

  /** What cannot be sent is refused now, not in the midst of a sync, or when somebody joins. */
  #check (properties: readonly Property[]): void {
    const packets = [this.spawnPacket(0), ...encodeDeltas([{ id: 0, changed: 0n, values: this.#valuesOf(properties) }])]
    this.#spawner.checkSize(Math.max(...packets.map(({ length }) => length)))
  }

  #of (wanted: SyncedProperty['mode']): readonly Property[] {
    return this.#properties.filter(({ mode = 'always' }) => mode === wanted)
  }

  #valuesOf (properties: readonly Property[]): Variant[] {
    return properties.flatMap(({ name, passage }) => passage.give([this.#values.get(name)!]))
  }
}

/** A MultiplayerSpawner of the clients' scene whose authority is the server. */
export class Spawner {
  readonly path: string
  readonly #replicator: Replicator
  readonly #nodes = new Map<string, SpawnedNode<any>>()

  constructor (replicator: Replicator, path: string) {
    this.#replicator = replicator
    this.path = path
  }

  /** What it has placed, in that order. */
  get nodes (): Iterable<SpawnedNode> {
    return this.#nodes.values()
  }

  /**
   * Places a node in the scene of every client, now and of those that join later. `replication` tells the properties of its
   * MultiplayerSynchronizer, which it must not have without. ERR_ALREADY_IN_USE for a name that is there, ERR_INVALID_PARAMETER for one that
   * no node can have, and for values that cannot be sent; ERR_OUT_OF_MEMORY for more than fits in a packet.
   */
  spawn<const R extends Replication> (name: string, what: Spawned, replication: R = {} as R, values: ReplicatedValues<R> = {} as ReplicatedValues<R>): SpawnedNode<R> {
    checkName(name)
    if (this.#nodes.has(name)) throw new GodotError('ERR_ALREADY_IN_USE', `a node ${name} is spawned already`)
    if ('scene' in what && !(Number.isInteger(what.scene) && what.scene >= 0 && what.scene <= MAX_SCENE)) throw new GodotError('ERR_INVALID_PARAMETER', `scene ${what.scene}: 0 to ${MAX_SCENE}`)
    const node = new SpawnedNode(this, this.#replicator.takeIds(), name, what, replication, values)
    this.#nodes.set(name, node)
    this.#replicator.spawned(this, node)
    return node
  }

  checkSize (size: number): void {
    this.#replicator.checkSize(size)
  }

  despawned (node: SpawnedNode<any>, packet: Uint8Array): void {
    if (this.#nodes.get(node.name) !== node) return
    this.#nodes.delete(node.name)
    this.#replicator.toAll([packet])
  }
}

/** The server as the authority of spawners and synchronizers (Godot 4's SceneReplicationInterface). */
export class Replicator {
  readonly #host: ReplicatorHost
  readonly #spawners = new Map<string, Spawner>()
  #lastId = 0
  #time = 0

  constructor (host: ReplicatorHost) {
    this.#host = host
  }

  /** The spawner at a path. */
  spawner (path: string): Spawner {
    const spawner = this.#spawners.get(path) ?? new Spawner(this, path)
    this.#spawners.set(path, spawner)
    return spawner
  }

  /** Sends every value that is always sent, and those that changed. */
  sync (): void {
    const nodes = [...this.#spawners.values()].flatMap(({ nodes }) => [...nodes])
    const syncs = nodes.flatMap(node => node.sync() ?? [])
    if (syncs.length > 0) this.toAll(encodeSyncs(this.#time = (this.#time + 1) & 0xffff, syncs))
    this.toAll(encodeDeltas(nodes.flatMap(node => node.delta() ?? [])))
  }

  /** A newcomer gets what is there. */
  joined (peer: number): void {
    for (const spawner of this.#spawners.values()) {
      for (const node of spawner.nodes) this.#introduce(peer, spawner, node)
      this.#each(peer, encodeDeltas([...spawner.nodes].flatMap(node => node.delta(true) ?? [])))
    }
  }

  spawned (spawner: Spawner, node: SpawnedNode<any>): void {
    for (const peer of this.#host.connected) this.#introduce(peer, spawner, node)
  }

  checkSize (size: number): void {
    const { maxPacketSize } = this.#host
    if (size > maxPacketSize) throw new GodotError('ERR_OUT_OF_MEMORY', `a spawned node of ${size} bytes; a packet has at most ${maxPacketSize}`)
  }

  toAll (packets: readonly Uint8Array[]): void {
    this.#each(target.ALL, packets)
  }

  /** The number of a node; the next one is that of its synchronizer. */
  takeIds (): number {
    this.#lastId += 2
    return this.#lastId - 1
  }

  #introduce (peer: number, { path }: Spawner, node: SpawnedNode<any>): void {
    this.#host.putTo(peer, node.spawnPacket(this.#host.tellPath(peer, path)))
  }

  #each (to: number, packets: readonly Uint8Array[]): void {
    for (const packet of packets) this.#host.putTo(to, packet)
  }
}

/** Godot's own rule for names of nodes. */
function checkName (name: string): void {
  if (name === '' || /[.:@/"%\0]/.test(name)) throw new GodotError('ERR_INVALID_PARAMETER', `node name ${JSON.stringify(name)}: it must be without . : @ / " %`)
}
