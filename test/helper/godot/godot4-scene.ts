import { readRpcArgument } from '../../../src/protocol/multiplayer/rpc4-argument.ts'
import type { Variant } from '../../../src/protocol/variant/variant-types.ts'
import { variant4 } from '../../../src/protocol/variant/variant4.ts'
import { textAt } from './godot4-client.ts'
import type { ClientEvent4, Node4, Script4 } from './godot4-client.ts'

/** A MultiplayerSpawner of the scene. */
export interface Spawner4 {
  /** Its `@rpc` functions. */
  readonly script?: Script4
  /** Where its nodes are placed; default: its parent. */
  readonly spawnPath?: string
  /** Nodes below a spawned one, by path relative to it, with their authority. */
  scene? (what: Variant, name: string): Record<string, number>
}

/** The rest of the game. */
export interface SceneHost {
  readonly events: ClientEvent4[]
  readonly nodes: ReadonlyMap<string, Node4>
  /** The path that a peer announced under an id. */
  announced (sender: number, id: number): string | undefined
  add (path: string, script: Script4, authority: number): void
  remove (path: string): void
  refuse (why: string): void
}

interface SpawnedNode4 { readonly path: string, readonly name: string, readonly synchronizers: number[] }

/** Bit of the id of a synchronizer that stands for its path. */
export const PATH_BASED = 0x80000000

/** What Godot 4's SceneReplicationInterface does with packets of others. */
export class Godot4Scene {
  readonly #host: SceneHost
  readonly #spawners = new Map<string, Spawner4>()
  /** Nodes that others spawned, by `sender id`. */
  readonly #spawned = new Map<string, SpawnedNode4>()
  /** Names of spawned nodes by `sender id` of their synchronizers. */
  readonly #synchronizers = new Map<string, string>()
  readonly #times = new Map<string, number>()

  constructor (host: SceneHost) {
    this.#host = host
  }

  addSpawner (path: string, spawner: Spawner4): void {
    this.#spawners.set(path, spawner)
  }

  /** Event `spawned`: name, scene index or value of a custom spawn, values. */
  receiveSpawn (sender: number, packet: Buffer): void {
    const spawner = this.#host.announced(sender, packet.readUInt32LE(2))
    const [id, count, size] = [6, 10, 14].map(at => packet.readUInt32LE(at))
    const synchronizers = Array.from({ length: count }, (_, at) => packet.readUInt32LE(18 + at * 4))
    const name = textAt(packet, 18 + count * 4)
    const contentAt = 18 + count * 4 + size
    if (spawner === undefined) return this.#host.refuse('path id not announced by this sender')
    const node = this.#host.nodes.get(spawner)
    if (node === undefined) return this.#host.refuse('no spawner')
    if (node.authority !== sender) return this.#host.refuse('not the authority of the spawner')
    if (Buffer.byteLength(name) + 1 !== size) return this.#host.refuse('wrong size of the name')
    const { spawnPath = spawner.slice(0, Math.max(spawner.lastIndexOf('/'), 0)), scene } =
      this.#spawners.get(spawner) ?? {}
    const path = spawnPath === '' ? name : `${spawnPath}/${name}`
    if (this.#spawned.has(`${sender} ${id}`) || this.#host.nodes.has(path)) {
      return this.#host.refuse(`${name} already exists`)
    }
    const isCustom = packet[1] === 0xff
    const valuesAt = contentAt + (isCustom ? 4 + packet.readUInt32LE(contentAt) : 0)
    const [what] = isCustom ? valuesOf(packet.subarray(contentAt + 4, valuesAt)) : [packet[1]]
    this.#spawned.set(`${sender} ${id}`, { path, name, synchronizers })
    this.#host.add(path, {}, 1)
    for (const [below, authority] of Object.entries(scene?.(what, name) ?? {})) {
      this.#host.add(`${path}/${below}`, {}, authority)
    }
    for (const synchronizer of synchronizers) this.#synchronizers.set(`${sender} ${synchronizer}`, name)
    this.#host.events.push(['spawned', name, what, valuesOf(packet.subarray(valuesAt))])
  }

  receiveDespawn (sender: number, packet: Buffer): void {
    const node = this.#spawned.get(`${sender} ${packet.readUInt32LE(1)}`)
    if (node === undefined || packet.length !== 5) return this.#host.refuse('not a known spawn')
    this.#free(node)
    this.#host.events.push(['despawned', node.name])
  }

  /** What a peer has spawned goes with it, without a signal. */
  left (sender: number): void {
    for (const [key, node] of this.#spawned) if (key.startsWith(`${sender} `)) this.#free(node)
  }

  /** The node and everything below it leave the tree. */
  #free ({ path: freed }: SpawnedNode4): void {
    for (const [key, { path, synchronizers }] of this.#spawned) {
      if (path !== freed && !path.startsWith(`${freed}/`)) continue
      this.#spawned.delete(key)
      const [sender] = key.split(' ')
      for (const synchronizer of synchronizers) {
        this.#synchronizers.delete(`${sender} ${synchronizer}`)
        this.#times.delete(`${sender} ${synchronizer}`)
      }
    }
    for (const path of [...this.#host.nodes.keys()]) {
      if (path !== freed && !path.startsWith(`${freed}/`)) continue
      this.#host.remove(path)
      for (const key of [...this.#times.keys()]) if (key.endsWith(` ${path}`)) this.#times.delete(key)
    }
  }

  /** Event `sync` or `delta`: name of the spawned node or path of the synchronizer, mask of changed values, values. */
  receiveSync (sender: number, packet: Buffer): void {
    const isDelta = (packet[0] & 0x10) !== 0
    for (let at = isDelta ? 1 : 3; at < packet.length;) {
      const id = packet.readUInt32LE(at)
      const sizeAt = at + (isDelta ? 12 : 4)
      const end = sizeAt + 4 + packet.readUInt32LE(sizeAt)
      const name = this.#find(sender, id)
      if (name === undefined || end > packet.length) return this.#host.refuse('not a known synchronizer')
      // The time belongs to the node, under whatever id.
      const key = `${sender} ${id < PATH_BASED ? id : name}`
      if (!isDelta && !this.#isNew(key, packet.readUInt16LE(1))) return this.#host.refuse('an old sync')
      this.#host.events.push([isDelta ? 'delta' : 'sync', name, isDelta
        ? packet.readBigUInt64LE(at + 4)
        : undefined, valuesOf(packet.subarray(sizeAt + 4, end))])
      at = end
    }
  }

  #find (sender: number, id: number): string | undefined {
    if (id < PATH_BASED) return this.#synchronizers.get(`${sender} ${id}`)
    const path = this.#host.announced(sender, id - PATH_BASED)
    const node = path === undefined ? undefined : this.#host.nodes.get(path)
    return node?.authority === sender ? path : undefined
  }

  /** Each synchronizer takes syncs with a higher time, modulo 65536. */
  #isNew (key: string, time: number): boolean {
    const last = this.#times.get(key)
    if (last !== undefined && time <= last && last - time < 32767) return false
    this.#times.set(key, time)
    return true
  }
}

/** Decodes values up to the end of the bytes. */
function valuesOf (bytes: Buffer): Variant[] {
  return variant4.parse(reader => {
    const values: Variant[] = []
    while (reader.remaining > 0) values.push(readRpcArgument(reader))
    return values
  }, bytes, { exactFloats: false })
}
