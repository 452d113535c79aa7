import { Buffer } from 'node:buffer'
import { GodotError } from '../../../error.ts'
import { readRpcArgument, writeRpcArgument } from '../../../protocol/multiplayer/rpc4-argument.ts'
import type { VariantCodec, VariantReader } from '../../../protocol/variant/variant-codec.ts'
import type { Variant } from '../../../protocol/variant/variant-types.ts'
import { MemberConverter } from '../member-converter.ts'
import type { AnyValues, Replication, SyncedProperty } from './replication.ts'

/** Bits of the mask that says which values changed. */
const MAX_CHANGING = 64
const EMPTY = Buffer.alloc(0)
/** How many times as long as a client's the server's encoding of a value may be: an int of 2 bytes that is a float. */
const MAX_GROWTH = 8

/** What the encoding of properties depends on. */
export interface ReplicatedPropertiesHost {
  readonly codec: VariantCodec
  /** Whether whole reals are received as `Float` where their kind does not say it. */
  readonly exactTypes: boolean
  /** Bytes of the largest packet that can be sent. */
  readonly maxPacketSize: number
}

/** Values that changed: a bit for each property of mode `on_change`, and the values encoded. */
export interface Delta { readonly changed: bigint, readonly values: Uint8Array }

interface Property extends SyncedProperty {
  readonly name: string
  readonly converter: MemberConverter
  value: Variant | undefined
  /** The value as it is sent, or as its owner has sent it. */
  bytes: Uint8Array
}

/** A value as its receiver gets it, and its bytes in a packet. */
interface Encoded { readonly value: Variant, readonly encoded: Uint8Array }

/** The properties of one synchronizer: their values, and what packets carry of them. */
export class ReplicatedProperties {
  readonly #properties: readonly Property[]
  readonly #byName: ReadonlyMap<string, Property>
  readonly #spawned: readonly Property[]
  readonly #always: readonly Property[]
  readonly #watched: readonly Property[]
  readonly #changed = new Set<Property>()
  readonly #host: ReplicatedPropertiesHost
  /** Bytes of packets apart from the values. */
  readonly #overhead: number
  /** All values that are always sent, encoded; undefined after one has changed. */
  #sync: Uint8Array | undefined
  /** Bytes of all values. */
  #size = 0

  /** ERR_INVALID_PARAMETER for more than 64 `on_change` properties. */
  constructor (replication: Replication, host: ReplicatedPropertiesHost, overhead: number) {
    this.#properties = Object.entries(replication).map(([name, property]) => {
      const converter = new MemberConverter([property.kind], host.exactTypes)
      return { ...property, name, converter, value: undefined, bytes: EMPTY }
    })
    this.#byName = new Map(this.#properties.map(property => [property.name, property]))
    this.#spawned = this.#properties.filter(({ spawn = true }) => spawn)
    this.#always = this.#properties.filter(({ mode = 'always' }) => mode === 'always')
    this.#watched = this.#properties.filter(({ mode }) => mode === 'on_change')
    this.#host = host
    this.#overhead = overhead
    if (this.#watched.length > MAX_CHANGING) {
      throw new GodotError(
        'ERR_INVALID_PARAMETER',
        `${this.#watched.length} on_change properties: expected at most ${MAX_CHANGING}`
      )
    }
  }

  get isEmpty (): boolean {
    return this.#properties.length === 0
  }

  /** The values by name, as far as they are known. */
  get values (): Record<string, Variant> {
    return Object.fromEntries(this.#properties.flatMap(({ name, value }) => value === undefined ? [] : [[name, value]]))
  }

  get (name: string): Variant | undefined {
    return this.#byName.get(name)?.value
  }

  /** The first values; all of them count as changed. Throws as `set`, before anything is changed. */
  fill (values: AnyValues): void {
    const encoded = this.#encodeAll(values)
    for (const [at, property] of this.#properties.entries()) this.#put(property, encoded[at])
    for (const property of this.#watched) this.#changed.add(property)
  }

  /** Throws what `fill` would with the values that there are; ERR_INVALID_PARAMETER while some are not known. */
  checkSendable (): void {
    this.#encodeAll(this.values)
  }

  /** ERR_INVALID_PARAMETER for another kind of value, ERR_OUT_OF_MEMORY for more than fits in a packet. */
  set (name: string, value: Variant): void {
    const property = this.#byName.get(name)
    if (property === undefined) throw new GodotError('ERR_INVALID_PARAMETER', `property ${name} is not declared`)
    const sent = this.#encode(property, value)
    if (Buffer.compare(sent.encoded, property.bytes) === 0) {
      property.value = sent.value
      return
    }
    this.#checkSize(this.#size + sent.encoded.length - property.bytes.length)
    this.#put(property, sent)
    if (property.mode === 'on_change') this.#changed.add(property)
  }

  /** The values that go with a spawn. */
  get spawnValues (): readonly Uint8Array[] {
    return this.#spawned.map(({ bytes }) => bytes)
  }

  /** The values that are sent at every sync, if there are any. */
  get syncValues (): Uint8Array | undefined {
    if (this.#always.length === 0) return undefined
    this.#sync ??= kept(Buffer.concat(this.#always.map(({ bytes }) => bytes)))
    return this.#sync
  }

  /** The values that changed since the last call. */
  takeDelta (): Delta | undefined {
    if (this.#changed.size === 0) return undefined
    const delta = this.#deltaOf(this.#watched.filter(property => this.#changed.has(property)))
    this.#changed.clear()
    return delta
  }

  /** All values that are sent on change. */
  get wholeDelta (): Delta | undefined {
    return this.#watched.length === 0 ? undefined : this.#deltaOf(this.#watched)
  }

  /**
   * Takes over what the owner of the synchronizer has sent, `changed` as in `Delta`; returns the values that differ
   * from those before, by name. Returns what is wrong if they are of another number or kind, or if all values together
   * are more than fits in a packet, so that the server could not send them as their next owner. Throws GodotError for
   * values that do not decode.
   */
  receive (bytes: Uint8Array, changed: bigint | undefined): Record<string, Variant> | string {
    const expected = changed === undefined ? this.#always : this.#watchedOf(changed)
    return typeof expected === 'string' ? expected : this.#take(bytes, expected)
  }

  /** Takes over the values that came with a spawn; returns what is wrong, and throws, as `receive` does. */
  receiveSpawn (bytes: Uint8Array): string | undefined {
    const taken = this.#take(bytes, this.#spawned)
    return typeof taken === 'string' ? taken : undefined
  }

  #take (bytes: Uint8Array, expected: readonly Property[]): Record<string, Variant> | string {
    const received = this.#host.codec.parse(from => readValues(from, expected), bytes)
    if (typeof received === 'string') return received
    const changes: Record<string, Variant> = {}
    let size = this.#size
    for (const [at, property] of expected.entries()) {
      const { value, encoded } = received[at]
      if (property.value !== undefined && Buffer.compare(encoded, property.bytes) === 0) continue
      size += encoded.length - property.bytes.length
      changes[property.name] = value
    }
    if (!this.#isSendable(size * MAX_GROWTH) && !this.#isSendable(this.#sentSize(changes))) {
      return 'all values together exceed option outputBufferKb'
    }
    this.#size = size
    for (const [at, property] of expected.entries()) {
      if (!Object.hasOwn(changes, property.name)) continue
      property.value = received[at].value
      property.bytes = kept(received[at].encoded)
    }
    return changes
  }

  /** Bytes of all values if the server sends them, some of them changed. */
  #sentSize (changes: AnyValues): number {
    const values: AnyValues = { ...this.values, ...changes }
    const known = this.#properties.filter(({ name }) => values[name] !== undefined)
    return sizeOf(known.map(property => this.#encode(property, values[property.name] as Variant)))
  }

  #watchedOf (changed: bigint): readonly Property[] | string {
    if (changed === 0n || changed >> BigInt(this.#watched.length) !== 0n) {
      const expected = `bits of ${this.#watched.length} on_change properties`
      return `changed properties 0x${changed.toString(16)}: expected ${expected}`
    }
    return this.#watched.filter((_, at) => (changed >> BigInt(at) & 1n) === 1n)
  }

  #deltaOf (properties: readonly Property[]): Delta {
    const changed = properties.reduce((bits, property) => bits | 1n << BigInt(this.#watched.indexOf(property)), 0n)
    return { changed, values: Buffer.concat(properties.map(({ bytes }) => bytes)) }
  }

  #put (property: Property, { value, encoded }: Encoded): void {
    this.#size += encoded.length - property.bytes.length
    property.value = value
    property.bytes = kept(encoded)
    this.#sync = undefined
  }

  /** As `set` of every property, without changing any. */
  #encodeAll (values: AnyValues): Encoded[] {
    const all = this.#properties.map(property => this.#encode(property, values[property.name] as Variant))
    this.#checkSize(sizeOf(all))
    return all
  }

  /** The value as clients receive it (an int has no fraction then), and its bytes. */
  #encode ({ name, converter }: Property, given: Variant): Encoded {
    const outgoing = converter.outgoing([given], () => `property ${name}`)
    const [value] = converter.incoming(outgoing) ?? outgoing
    return { value, encoded: this.#host.codec.build(writeRpcArgument, outgoing[0]) }
  }

  #isSendable (size: number): boolean {
    return this.#overhead + size <= this.#host.maxPacketSize
  }

  /** Values that cannot be sent fail now, not in the middle of a sync, or when somebody joins. */
  #checkSize (size: number): void {
    if (this.#isSendable(size)) return
    throw new GodotError(
      'ERR_OUT_OF_MEMORY',
      `${this.#overhead + size} bytes of a node and its values: at most ${this.#host.maxPacketSize} fit ` +
        '(option outputBufferKb)'
    )
  }
}

/** A copy: a view would keep the page that the value was written to, or the message that it came with. */
function kept (bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}

function sizeOf (values: readonly Encoded[]): number {
  return values.reduce((sum, { encoded }) => sum + encoded.length, 0)
}

/** Reads a value for each property; returns what is wrong unless they are all there, of their kinds, and no more. */
function readValues (from: VariantReader, properties: readonly Property[]): Encoded[] | string {
  const received: Encoded[] = []
  for (const { name, converter } of properties) {
    if (from.remaining === 0) return `${received.length} values: expected ${properties.length}`
    const start = from.offset
    from.exactFloats = converter.exactFloats === true
    const read = [readRpcArgument(from)]
    const values = converter.incoming(read)
    if (values === undefined) return converter.faultOf(read, () => `property ${name}`)
    received.push({ value: values[0], encoded: from.source.subarray(start, from.offset) })
  }
  return from.remaining === 0 ? received : `more than ${properties.length} values`
}
