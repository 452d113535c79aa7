import { defaultClusterOptions, defaultRoomRules } from '../../options/defaults.ts'
import { parseOptions } from '../../options/options.ts'
import type { CompleteClusterOptions, CompleteRoomRules } from '../../options/defaults.ts'
import type { ClusterOptions, ServerOptions } from '../../options/option-types.ts'
import { withoutUndefined } from '../../options/without-undefined.ts'
import type { QueueLimits } from '../peer/packet-queue.ts'
import type { OutboxLimits } from '../peer/peer-outbox.ts'
import type { Rates } from '../peer/rate/rate-limit.ts'
import { wires } from '../rpc/wire/wires.ts'
import type { Wire } from '../rpc/wire/wires.ts'
import { powerOfTwo } from './power-of-two.ts'

/** Buffer sizes per peer: KiB and packets (Godot's `set_buffers`). */
export type BufferSizes =
  Pick<ServerOptions, 'inputBufferKb' | 'inputMaxPackets' | 'outputBufferKb' | 'outputMaxPackets'>

type Mutable<Type> = { -readonly [Name in keyof Type]: Type[Name] }

/** The options of a server, checked and changed as a whole, and the sizes that follow from them. */
export class Settings {
  /** The options in effect; `change` updates this object. */
  readonly options: Readonly<ServerOptions>
  /** The multiplayer protocol of the clients (option `wire`). */
  readonly wire: Wire
  /** Limits of each queue of unread packets; `change` updates this object. */
  readonly inputLimits: Readonly<QueueLimits> = { bytes: 0, packets: 0 }
  /** Limits of the packets waiting to be sent to a peer; `change` updates this object. */
  readonly outputLimits: Readonly<OutboxLimits> = { bytes: 0, packets: 0 }
  #maxMessageSize = 0
  #maxPacketSize = 0
  #rooms: CompleteRoomRules | undefined

  /** Throws ERR_INVALID_PARAMETER naming the wrong option. */
  constructor (options: Partial<ServerOptions>) {
    this.options = ownOptions(parseOptions(options))
    this.wire = wires[this.options.wire]
    this.#update()
  }

  /** Bytes of the largest message that a client may send. */
  get maxMessageSize (): number {
    return this.#maxMessageSize
  }

  /** Bytes of the largest message that can be sent to a peer. */
  get maxPacketSize (): number {
    return this.#maxPacketSize
  }

  /** Bytes of the largest packet that the application can send. */
  get maxDataSize (): number {
    return this.#maxPacketSize - (this.options.gdMpApi ? this.wire.relay.overhead : 0)
  }

  /** Buffer sizes in effect: rounded up to powers of two. */
  get buffers (): BufferSizes {
    const { inputBufferKb, inputMaxPackets, outputBufferKb, outputMaxPackets } = this.options
    return {
      inputBufferKb: powerOfTwo(inputBufferKb),
      inputMaxPackets: powerOfTwo(inputMaxPackets),
      outputBufferKb: powerOfTwo(outputBufferKb),
      outputMaxPackets: powerOfTwo(outputMaxPackets)
    }
  }

  /** Which rooms there may be; undefined if everyone is in `main`. */
  get rooms (): CompleteRoomRules | undefined {
    return this.#rooms
  }

  /** How the cluster is reached; undefined without option `cluster`. */
  get cluster (): CompleteClusterOptions | undefined {
    const { cluster } = this.options
    return cluster === undefined ? undefined : { ...defaultClusterOptions, ...cluster }
  }

  /** What a peer may send per second, undefined for no limit. */
  get rates (): Rates | undefined {
    const { maxPacketsPerSecond: packets, maxBytesPerSecond: bytes } = this.options
    return packets > 0 || bytes > 0 ? { packets, bytes } : undefined
  }

  /** The options as `change` would leave them; throws ERR_INVALID_PARAMETER. */
  check (changes: Partial<ServerOptions>): ServerOptions {
    return parseOptions({ ...this.options, ...changes })
  }

  /** Changes options; throws ERR_INVALID_PARAMETER and changes nothing when one is wrong. */
  change (changes: Partial<ServerOptions>): void {
    Object.assign(this.options, changes, ownOptions(this.check(changes)))
    this.#update()
  }

  /** Works out what follows from the options. */
  #update (): void {
    const { inputBufferKb, inputMaxPackets, outputBufferKb, outputMaxPackets } = this.buffers
    this.#maxMessageSize = inputBufferKb * 1024 - (this.options.gdMpApi ? this.wire.relay.slack : 0)
    // What may come in may go out; but Godot's clients drop a multiplayer packet that fills their buffer.
    this.#maxPacketSize = outputBufferKb * 1024 - (this.options.gdMpApi ? 1 : 0)
    // Godot's ring buffers of B bytes and P packets hold B - 1 and P - 1.
    assign(this.inputLimits, inputBufferKb * 1024 - 1, inputMaxPackets - 1)
    assign(this.outputLimits, outputBufferKb * 1024, outputMaxPackets)
    const { rooms } = this.options
    this.#rooms = rooms === false ? undefined : { ...defaultRoomRules, ...(rooms === true ? {} : rooms) }
  }
}

/** Copies the lists and rules of the options, as later changes by the caller would not be checked. */
function ownOptions (options: ServerOptions): ServerOptions {
  const { protocols, allowedOrigins, rooms, cluster } = options
  return {
    ...options,
    protocols: [...protocols],
    ...(Array.isArray(allowedOrigins) ? { allowedOrigins: [...allowedOrigins] } : {}),
    ...(typeof rooms === 'object' ? { rooms: withoutUndefined(rooms) } : {}),
    ...(cluster === undefined ? {} : { cluster: withoutUndefined(cluster) as ClusterOptions })
  }
}

function assign (limits: Mutable<QueueLimits>, bytes: number, packets: number): void {
  Object.assign(limits, { bytes, packets })
}
