import type { Variant } from '../../../src/protocol/variant/variant-types.ts'
import { encodeArguments, syncOf } from './godot4-client.ts'

/** A node to be spawned. */
export interface Spawn4 {
  readonly name: string
  /** Index of a scene, or the argument of the spawn function. */
  readonly what: { readonly scene: number } | { readonly custom: Variant }
  /** Values of the spawn; undefined for a node without synchronizer. */
  readonly values?: Variant[]
}

/** The rest of the game. */
export interface SpawnsHost {
  readonly peers: Iterable<number>
  /** The id of a path, which is announced to the peer at its first use. */
  announce (peer: number, path: string): number
  send (peer: number, packet: Buffer): void
}

interface Spawned4 extends Spawn4 { readonly spawner: string, readonly id: number, readonly synchronizer: number }

const [SPAWN, DESPAWN, CUSTOM] = [4, 5, 0xff]

/** What Godot 4's SceneReplicationInterface sends of nodes that its process spawns. */
export class Godot4Spawns {
  readonly #host: SpawnsHost
  readonly #byName = new Map<string, Spawned4>()
  #lastId = 0

  constructor (host: SpawnsHost) {
    this.#host = host
  }

  spawn (spawner: string, spawn: Spawn4): void {
    const id = ++this.#lastId
    const synchronizer = spawn.values === undefined ? 0 : ++this.#lastId
    const spawned = { ...spawn, spawner, id, synchronizer }
    this.#byName.set(spawn.name, spawned)
    for (const peer of this.#host.peers) this.#show(peer, spawned)
  }

  joined (peer: number): void {
    for (const spawned of this.#byName.values()) this.#show(peer, spawned)
  }

  sync (name: string, time: number, values: Variant[], changed: bigint | undefined): void {
    const { synchronizer } = this.#byName.get(name)!
    const packet = syncOf(time, synchronizer, encodeArguments(values), changed)
    for (const peer of this.#host.peers) this.#host.send(peer, packet)
  }

  despawn (name: string): void {
    const { id } = this.#byName.get(name)!
    this.#byName.delete(name)
    for (const peer of this.#host.peers) this.#host.send(peer, Buffer.concat([Buffer.of(DESPAWN), u32(id)]))
  }

  #show (peer: number, { spawner, id, synchronizer, name, what, values }: Spawned4): void {
    const synchronizers = values === undefined ? [] : [synchronizer]
    const text = Buffer.from(`${name}\0`)
    const custom = 'custom' in what ? encodeArguments([what.custom]) : undefined
    this.#host.send(peer, Buffer.concat([
      Buffer.of(SPAWN, 'scene' in what ? what.scene : CUSTOM),
      ...[this.#host.announce(peer, spawner), id, synchronizers.length, text.length, ...synchronizers].map(u32),
      text,
      ...custom === undefined ? [] : [u32(custom.length), custom],
      encodeArguments(values ?? [])
    ]))
  }
}

function u32 (value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
