import { GodotError } from '../../error.ts'
import { encodeDeltas, encodeDespawn, encodeSpawn } from '../../protocol/multiplayer/replication4-packet.ts'
import type { Sync } from '../../protocol/multiplayer/replication4-packet.ts'
import type { VariantCodec } from '../../protocol/variant/variant-codec.ts'
import type { Variant } from '../../protocol/variant/variant-types.ts'
import { MemberConverter } from './member-converter.ts'
import type { Kind, ValueOf } from './rpc-surface.ts'

/** A property, with the settings that it has in the SceneReplicationConfig of the clients. */
export interface SyncedProperty {
  /** Type of its values. */
  readonly kind: Kind
  /** Whether it is sent when the node is spawned; default true. */
  readonly spawn?: boolean
  /** When it is sent later: at every `sync` (`always`, the default), at the next one after it changed, or never. */
  readonly mode?: 'always' | 'on_change' | 'never'
}

/**
 * The properties of a MultiplayerSynchronizer, in the order of its SceneReplicationConfig; the names are the
 * application's own.
 */
export type Replication = Readonly<Record<string, SyncedProperty>>

/** The values of such properties. */
export type ReplicatedValues<R extends Replication> = { [Name in keyof R]: ValueOf<R[Name]['kind']> }

/** What is spawned: the index of a scene in the spawner's list, or the argument of its `spawn_function`. */
export type Spawned = { readonly scene: number } | { readonly custom: Variant }

/** The same for any properties. */
export type SpawnedValues = Readonly<Record<string, unknown>>

/** Bits of the mask that says which values changed. */
const MAX_CHANGING = 64

/** What the encoding of properties depends on. */
export interface SpawnHost {
  readonly codec: VariantCodec
  /** Bytes of the largest packet that can be sent. */
  readonly maxPacketSize: number
}

interface Property extends SyncedProperty { readonly name: string, readonly converter: MemberConverter }

/** The replicated properties of one spawned node: their values, and the packets that carry them. */
export class SpawnedProperties {
  readonly name: string
  readonly #id: number
  readonly #synchronizer: number | undefined
  readonly #what: Spawned
  readonly #properties: readonly Property[]
  readonly #values: Map<string, Variant>
  /** Names of values that changed since they were sent. */
  readonly #changed: Set<string>
  readonly #host: SpawnHost

  /** `id` stands for the node in packets, `id + 1` for its synchronizer. */
  constructor (
    id: number,
    name: string,
    what: Spawned,
    replication: Replication,
    values: SpawnedValues,
    host: SpawnHost
  ) {
    this.#id = id
    this.name = name
    this.#what = what
    this.#host = host
    this.#properties = Object.entries(replication)
      .map(([name, property]) => ({ ...property, name, converter: new MemberConverter([property.kind]) }))
    this.#synchronizer = this.#properties.length > 0 ? id + 1 : undefined
    this.#values = new Map(this.#properties.map(({ name }) => [name, values[name] as Variant]))
    this.#changed = new Set(this.#of('on_change').map(({ name }) => name))
    if (this.#changed.size > MAX_CHANGING) {
      throw new GodotError(
        'ERR_INVALID_PARAMETER',
        `${this.#changed.size} on_change properties: expected at most ${MAX_CHANGING}`
      )
    }
    this.#check(this.#properties)
  }

  get (name: string): Variant {
    return this.#values.get(name)!
  }

  set (name: string, value: Variant): void {
    const property = this.#properties.find(property => property.name === name)
    if (property === undefined) throw new GodotError('ERR_INVALID_PARAMETER', `property ${name} is not declared`)
    const before = this.#values.get(name)!
    this.#values.set(name, value)
    try {
      this.#check([property])
    } catch (error) {
      this.#values.set(name, before)
      throw error
    }
    if (property.mode === 'on_change') this.#changed.add(name)
  }

  /** The packet that places the node in a client's scene; `spawner` is the id of the spawner's path. */
  spawnPacket (spawner: number): Uint8Array {
    const values = this.#valuesOf(this.#properties.filter(({ spawn = true }) => spawn))
    const synchronizers = this.#synchronizer === undefined ? [] : [this.#synchronizer]
    return encodeSpawn(this.#host.codec, {
      spawner,
      node: this.#id,
      synchronizers,
      name: this.name,
      what: this.#what,
      values
    })
  }

  despawnPacket (): Uint8Array {
    return encodeDespawn(this.#id)
  }

  /** The values that are sent at every sync, if there are any. */
  sync (): Sync | undefined {
    const properties = this.#of('always')
    return properties.length === 0 ? undefined : { id: this.#synchronizer!, values: this.#valuesOf(properties) }
  }

  /** The values that changed since the last call; for a newcomer all that are sent on change. */
  delta (isForNewcomer = false): Sync | undefined {
    const watched = this.#of('on_change')
    const properties = isForNewcomer ? watched : watched.filter(({ name }) => this.#changed.has(name))
    if (!isForNewcomer) this.#changed.clear()
    if (properties.length === 0) return undefined
    const changed = properties.reduce((bits, property) => bits | 1n << BigInt(watched.indexOf(property)), 0n)
    return { id: this.#synchronizer!, changed, values: this.#valuesOf(properties) }
  }

  /** Values that cannot be sent fail now, not in the middle of a sync, or when somebody joins. */
  #check (properties: readonly Property[]): void {
    const all: Sync = { id: 0, changed: 0n, values: this.#valuesOf(properties) }
    const packets = [this.spawnPacket(0), ...encodeDeltas(this.#host.codec, [all])]
    const size = Math.max(...packets.map(({ length }) => length))
    const limit = this.#host.maxPacketSize
    if (size > limit) {
      throw new GodotError(
        'ERR_OUT_OF_MEMORY',
        `spawned node of ${size} bytes: at most ${limit} fit (option outputBufferKb)`
      )
    }
  }

  #of (wanted: SyncedProperty['mode']): readonly Property[] {
    return this.#properties.filter(({ mode = 'always' }) => mode === wanted)
  }

  #valuesOf (properties: readonly Property[]): Variant[] {
    return properties.flatMap(({ name, converter }) => converter.outgoing([this.#values.get(name)!]))
  }
}
