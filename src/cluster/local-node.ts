import { randomBytes, randomInt } from 'node:crypto'
import { hostname } from 'node:os'
import { GodotError } from '../error.ts'
import type { Logger } from '../logger.ts'
import { MAX_STATE } from '../core/room/room-state.ts'
import { BurstLog } from '../core/server/log/burst-log.ts'
import type { PeerRegistry } from '../core/server/peer-registry.ts'
import type { CompleteClusterOptions } from '../options/defaults.ts'
import type { Bus } from './bus/bus.ts'
import type { Lease } from './membership/lease.ts'
import { Membership } from './membership/membership.ts'
import type { ClusterNode, MembershipHost } from './membership/membership-host.ts'
import { NodeCommands } from './node-commands.ts'
import { defaultTimings, type Timings } from './membership/timings.ts'
import type { NodeContext } from './node-context.ts'
import { LOCAL_IDS, slotOfId } from './peer-id.ts'
import { Subjects } from './subjects.ts'

/** Version of the protocol between nodes, which is the same in the whole cluster. */
const VERSION = '1'

/** Bytes of a message apart from the largest packet or the state of a room. */
const MESSAGE_OVERHEAD = 1024

const NO_LEASE: Lease = { slot: 0, epoch: 0 }

/** This server as a node of its cluster: connection to the broker, slot, and peer ids. */
export class LocalNode implements NodeContext {
  readonly id: string
  readonly registry: PeerRegistry
  readonly log: Logger
  readonly failures: BurstLog
  readonly subjects: Subjects
  readonly commands: NodeCommands
  readonly timings: Timings
  /** What was sent to other nodes, by kind. */
  readonly traffic = { messages: noTraffic(), bytes: noTraffic() }
  readonly #rules: CompleteClusterOptions
  readonly #connect: (log: Logger) => Promise<Bus>
  #bus: Bus | undefined
  #membership: Membership | undefined
  #lease = NO_LEASE
  #isDraining = false
  /** Settles when the last attempt to join is over, even if nobody waits for it any longer. */
  #joining: Promise<void> = Promise.resolve()
  /** Rejects the pending `join`. */
  #abort: ((error: GodotError) => void) | undefined
  #lastLocalId = randomInt(LOCAL_IDS)

  constructor (
    registry: PeerRegistry, rules: CompleteClusterOptions, connect: (log: Logger) => Promise<Bus>,
    timings: Timings = defaultTimings
  ) {
    this.registry = registry
    this.log = registry.log
    this.failures = new BurstLog(registry.log)
    this.id = rules.nodeId ?? generatedId()
    this.subjects = new Subjects(rules.namespace)
    this.commands = new NodeCommands(this.subjects)
    this.#rules = rules
    this.#connect = connect
    this.timings = timings
  }

  get bus (): Bus {
    if (this.#bus === undefined) throw new GodotError('cluster-unavailable')
    return this.#bus
  }

  get maxPayload (): number {
    return this.#bus?.maxPayload ?? Infinity
  }

  get lease (): Lease {
    return this.#lease
  }

  /** Whether it is in the cluster: holds its slot, and knows the other nodes. */
  get isReady (): boolean {
    return this.#membership?.isReady === true
  }

  get leaseAge (): number | undefined {
    return this.#membership?.leaseAge
  }

  /** Whether it was drained since it joined last. */
  get isDraining (): boolean {
    return this.#isDraining
  }

  nodes (): Iterable<ClusterNode> {
    return this.#membership?.nodes() ?? []
  }

  get hasLowestSlot (): boolean {
    return [...this.nodes()].every(({ slot }) => slot > this.#lease.slot)
  }

  nodeIn (slot: number): ClusterNode | undefined {
    return this.#membership?.nodeIn(slot)
  }

  isLive ({ slot, epoch }: Lease): boolean {
    if (slot === this.#lease.slot) return epoch === this.#lease.epoch
    return this.#membership?.epochOf(slot) === epoch
  }

  isHeard (lease: Lease): boolean {
    return this.#membership?.isHeard(lease) === true
  }

  async mayHold (lease: Lease): Promise<boolean> {
    return await this.#membership?.mayHold(lease) === true
  }

  /** Connects to the broker; `host` follows what happens in the cluster. Rejects at once if this node leaves. */
  async join (host: MembershipHost): Promise<void> {
    this.#isDraining = false
    await new Promise<void>((resolve, reject) => {
      const isAborted = (): boolean => this.#abort !== reject
      this.#abort = reject
      this.#joining = this.#joining.catch(() => {}).then(() => this.#join(host, isAborted))
      this.#joining.then(resolve, reject)
    })
  }

  async #join (host: MembershipHost, isAborted: () => boolean): Promise<void> {
    const { namespace } = this.#rules
    const bus = await this.#connect(this.log)
    if (isAborted()) return await bus.close()
    this.#bus = bus
    this.#checkPayload(bus)
    const who = { namespace, nodeId: this.id, version: VERSION, timings: this.timings }
    this.#membership = new Membership(bus, who, host, this.log)
    // It may have been drained in the meantime.
    if (this.#isDraining) this.#membership.setDraining()
    await this.#membership.start()
  }

  async leave (): Promise<void> {
    this.#abort?.(new GodotError('cluster-unavailable', 'cluster: the node has left before it had joined'))
    this.#abort = undefined
    await this.#membership?.leave()
    this.#membership = undefined
    this.failures.end()
    this.#lease = NO_LEASE
    await this.#bus?.close()
    this.#bus = undefined
  }

  holdsSlot (): boolean {
    return this.#membership?.holdsSlot() === true
  }

  /** Sends to all subscribed nodes, unless this node has lost its slot, or the message is too large for the broker. */
  publish (subject: string, bytes: Uint8Array): void {
    if (!this.holdsSlot() || !this.#fits(bytes)) return
    this.bus.publish(subject, bytes)
    const kind = kindOf(subject)
    this.traffic.messages[kind]++
    this.traffic.bytes[kind] += bytes.length
  }

  /**
   * Whether the broker accepts a message of this size: after a reconnect `max_payload` may be smaller. The receivers
   * detect the loss by the missing number.
   */
  #fits ({ length: bytes }: Uint8Array): boolean {
    const { maxPayload } = this
    if (bytes <= maxPayload) return true
    const message = 'message dropped: it exceeds max_payload of the NATS server'
    this.failures.log({ level: 'error', key: { maxPayload }, message }, { bytes })
    return false
  }

  /** Sets its lease, and with it its slot; NO_LEASE when it was lost. */
  setLease (lease: Lease = NO_LEASE): void {
    this.#lease = lease
  }

  /** Announces that its peers are about to be closed. */
  setDraining (): void {
    this.#isDraining = true
    this.#membership?.setDraining()
  }

  /** A candidate for a peer id, different on every node. */
  drawId (): number {
    this.#lastLocalId = (this.#lastLocalId + 1) % LOCAL_IDS
    return this.#lease.slot * LOCAL_IDS + this.#lastLocalId
  }

  /** Whether an id belongs to this node's slot. */
  owns (id: number): boolean {
    return slotOfId(id) === this.#lease.slot
  }

  async openStore (name: string): ReturnType<Bus['openStore']> {
    return await this.bus.openStore(this.subjects.storeName(name))
  }

  /** The largest packet and the state of a room must fit in a message. */
  #checkPayload ({ maxPayload }: Bus): void {
    const { maxPacketSize } = this.registry.settings
    const needed = Math.max(maxPacketSize, MAX_STATE) + MESSAGE_OVERHEAD
    if (needed <= maxPayload) return
    const reason = maxPacketSize > MAX_STATE ? 'option outputBufferKb needs' : 'a node needs'
    const message = `max_payload of the NATS server is ${maxPayload} bytes; ${reason} ${needed}`
    throw new GodotError('ERR_INVALID_PARAMETER', message)
  }
}

/** Kinds of messages by the third word of their subject. */
const kinds = { room: 'rooms', n: 'packets', ev: 'peers', feed: 'events', congestion: 'rooms' } as const

type Kind = typeof kinds[keyof typeof kinds]

function noTraffic (): Record<Kind, number> {
  return { rooms: 0, packets: 0, peers: 0, events: 0 }
}

function kindOf (subject: string): Kind {
  const [,, word] = subject.split('.', 3)
  return kinds[word as keyof typeof kinds]
}

function generatedId (): string {
  return `${hostname().replaceAll(/[^\w.-]/g, '-').slice(0, 48)}-${randomBytes(4).toString('hex')}`
}
