import { randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { GodotError } from '../../error.ts'
import type { Logger } from '../../logger.ts'
import { BurstLog } from '../../core/server/log/burst-log.ts'
import { BusError, type Bus, type BusMessage, type KeyStore } from '../bus/bus.ts'
import { decodeJson, encodeJson } from '../message/json.ts'
import { Subjects } from '../subjects.ts'
import type { Lease } from './lease.ts'
import type { ClusterNode, MembershipHost } from './membership-host.ts'
import { decodeHeartbeat, encodeHeartbeat } from './node-heartbeat.ts'
import { conflictOf, decodeLease, leaseKey, readLeases } from './lease-value.ts'
import type { LeaseOwner, LeaseValue } from './lease-value.ts'
import { OtherNodes } from './other-nodes.ts'
import { SlotLease } from './slot-lease.ts'
import { defaultTimings, type Timings } from './timings.ts'

/** Identity of a node. */
export interface MembershipOptions {
  /** Letters, digits, hyphens, underscores: clusters of different names do not see each other. */
  readonly namespace: string
  /** Unique in the cluster. */
  readonly nodeId: string
  /** All nodes have the same. */
  readonly version: string
  readonly timings?: Timings | undefined
}

/** What a node that joins sends to those that have its id, or other settings. */
interface Joining extends LeaseOwner { readonly slot: number }

const EMPTY = new Uint8Array(0)

/**
 * Makes this process a node of a cluster: leases a slot, announces it to the others, and reports the live nodes to
 * the host.
 */
export class Membership {
  readonly #bus: Bus
  readonly #host: MembershipHost
  readonly #log: Logger
  /** What may fail with every heartbeat. */
  readonly #failures: BurstLog
  readonly #options: MembershipOptions
  readonly #subjects: Subjects
  readonly #timings: Timings
  readonly #others: OtherNodes
  #state: 'out' | 'joining' | 'ready' | 'closed' = 'out'
  #lease: SlotLease | undefined
  /** See `LeaseOwner`. */
  readonly #instance = randomInt(1, 2 ** 32)
  /** Slot of its last lease. */
  #lastSlot: number | undefined
  #isDraining = false
  /** Why it stops joining: another node in a lower slot is joining, too, with its id or other settings. */
  #refusal: GodotError | undefined
  #store: Promise<KeyStore> | undefined
  /** Stops what was started in order to join. */
  readonly #cleanup: Array<() => void> = []
  #endStatus = (): void => {}

  constructor (bus: Bus, options: MembershipOptions, host: MembershipHost, log: Logger) {
    this.#bus = bus
    this.#options = options
    this.#subjects = new Subjects(options.namespace)
    this.#host = host
    this.#log = log
    this.#failures = new BurstLog(log)
    this.#timings = options.timings ?? defaultTimings
    const inquiry = {
      // A heartbeat may be late: its node may have left although its lease has not expired.
      owns: async (node: ClusterNode) => await this.#owns(node) && await this.#isAlive(node),
      answers: (node: ClusterNode) => this.#answers(node)
    }
    this.#others = new OtherNodes(host, inquiry, this.#timings, { log, failures: this.#failures })
  }

  /** Whether it has joined: all others are known. */
  get isReady (): boolean {
    return this.#state === 'ready'
  }

  /** This node; undefined while it has no slot. */
  get self (): ClusterNode | undefined {
    if (this.#lease === undefined) return undefined
    const { slot, value: { nodeId, epoch, startedAt } } = this.#lease
    return { id: nodeId, slot, epoch, isDraining: this.#isDraining, startedAt }
  }

  /** Age of its lease in seconds; undefined while it has no slot. */
  get leaseAge (): number | undefined {
    return this.#lease?.age
  }

  /** The other live nodes. */
  nodes (): ClusterNode[] {
    return this.#others.live()
  }

  /** The one of them that has a slot. */
  nodeIn (slot: number): ClusterNode | undefined {
    return this.#others.liveIn(slot)
  }

  /** Epoch of the node, live or joining, that has a slot; messages with another one are to be dropped. */
  epochOf (slot: number): number | undefined {
    return this.#others.get(slot)?.epoch
  }

  /**
   * Whether this node still holds its slot. Call it before sending: the process may have been suspended, and another
   * node may own the slot. If the slot is lost, `fenced` of the host follows in the same turn.
   */
  holdsSlot (): boolean {
    return this.#lease?.holdsSlot() === true
  }

  /**
   * Joins the cluster; resolves when all other nodes are known. A node that loses its slot later joins again
   * automatically.
   *
   * @throws ERR_INVALID_PARAMETER if it does not agree with a live node, or a live node has its id
   * @throws cluster-unavailable if the broker cannot be reached or all slots are taken
   */
  async start (): Promise<void> {
    this.#state = 'joining'
    try {
      await this.#join()
    } catch (error) {
      this.#state = 'closed'
      throw error instanceof BusError ? new GodotError('cluster-unavailable', `cluster: ${error.message}`) : error
    }
    this.#endStatus = this.#bus.onStatus(isConnected => { if (isConnected) this.#reconnected() })
  }

  /** Announces that this node is about to leave. */
  setDraining (): void {
    this.#isDraining = true
    this.#sendHeartbeat()
  }

  /** Leaves the cluster: the others are informed at once, the host is no longer called. */
  async leave (): Promise<void> {
    const lease = this.#lease
    if (this.holdsSlot()) this.#sendHeartbeat(this.#subjects.heartbeats, true)
    this.#state = 'closed'
    this.#stop()
    this.#endStatus()
    this.#failures.end()
    await this.#bus.flush().catch(() => {})
    await lease?.leave()
  }

  async #join (): Promise<void> {
    let lease: SlotLease | undefined
    this.#refusal = undefined
    try {
      const store = await this.#openStore()
      const leases = await readLeases(store)
      const owner = this.#owner()
      const known = await this.#findLive(leases)
      for (const { slot } of known) throwIf(conflictOf(owner, leases.get(slot)!))
      // Not at once: it may be found in the middle of sending.
      const lost = (): void => { queueMicrotask(() => { this.#fence() }) }
      lease = await SlotLease.claim(store, leases.keys(), owner, this.#timings, lost, this.#lastSlot)
      this.#lastSlot = lease.slot
      await this.#checkOthers(store, lease)
      await this.#introduceSelf(lease, known)
      throwIf(this.#refusal)
      if (!lease.holdsSlot() || this.#state === 'closed') throw new BusError('timeout', leaseKey(lease.slot))
    } catch (error) {
      this.#giveUp()
      await lease?.leave()
      throw error
    }
    this.#state = 'ready'
    this.#host.ready()
  }

  #owner (): LeaseOwner {
    const { nodeId, version } = this.#options
    return { nodeId, instance: this.#instance, version, agreement: this.#host.agreement }
  }

  /**
   * Rejects if another node with this id or other settings has joined in the meantime, or is joining and does not give
   * way. Both answer pings before they look for each other, so at least the later one gets a response.
   */
  async #checkOthers (store: KeyStore, lease: SlotLease): Promise<void> {
    const { slot, value } = lease
    this.#answerPings(lease)
    await this.#bus.flush()
    const own: Joining = { ...this.#owner(), slot }
    for (const [other, owner] of await readLeases(store)) {
      const conflict = conflictOf(value, owner)
      if (other === slot || owner.hasLeft || conflict === undefined) continue
      if (await this.#isAlive({ slot: other, epoch: owner.epoch }, encodeJson(own))) throw conflict
    }
  }

  #answerPings (lease: SlotLease): void {
    this.#subscribe(this.#subjects.ping(lease.slot), message => {
      if (!lease.holdsSlot()) return
      const isPresent = message.bytes.length === 0 || !this.#giveWayTo(decodeJson(message.bytes), lease)
      message.respond(isPresent ? new TextEncoder().encode(String(lease.epoch)) : EMPTY)
    })
  }

  /** Of two nodes with one id, or different settings, that join at the same time, the lower slot continues. */
  #giveWayTo (other: Joining, { slot, value }: SlotLease): boolean {
    const conflict = conflictOf(value, other)
    if (this.#state === 'joining' && other.slot < slot) this.#refusal ??= conflict
    return conflict !== undefined && this.#refusal !== undefined
  }

  /** Announces this node and waits until it knows the others. */
  async #introduceSelf (lease: SlotLease, known: Lease[]): Promise<void> {
    if (this.#state === 'closed' || this.#refusal !== undefined) return
    this.#lease = lease
    this.#host.claimed({ slot: lease.slot, epoch: lease.epoch })
    this.#listen(lease.slot)
    await this.#bus.flush()
    this.#announce(lease.slot)
    await this.#others.joined(known)
    if (this.#refusal === undefined) await this.#host.prepare()
  }

  async #openStore (): Promise<KeyStore> {
    const { lease, quarantine } = this.#timings
    this.#store ??= this.#bus.openStore(this.#subjects.storeName('nodes'), (lease + quarantine) / 1000)
    try {
      return await this.#store
    } catch (error) {
      this.#store = undefined
      throw error
    }
  }

  /** The leases whose owners respond. */
  async #findLive (leases: ReadonlyMap<number, LeaseValue>): Promise<Lease[]> {
    const nodes = [...leases].filter(([, { hasLeft }]) => !hasLeft).map(([slot, { epoch }]) => ({ slot, epoch }))
    const answers = await Promise.all(nodes.map(node => this.#answers(node)))
    return nodes.filter((_, index) => answers[index] === true)
  }

  /** Whether the holder of a lease responds, even if it is busy. */
  async #isAlive (lease: Lease, question: Uint8Array = EMPTY): Promise<boolean> {
    return await this.#answers(lease, question, this.#timings.hello) === true
  }

  /** Whether the holder of a lease responds; undefined if the broker is unreachable. */
  async #answers (
    { slot, epoch }: Lease, question: Uint8Array = EMPTY, milliseconds: number = this.#timings.ping
  ): Promise<boolean | undefined> {
    try {
      const answer = await this.#bus.request(this.#subjects.ping(slot), question, milliseconds)
      return new TextDecoder().decode(answer) === String(epoch)
    } catch (error) {
      const isUnknown = !this.#bus.isConnected || (error instanceof BusError && error.fault === 'disconnected')
      return isUnknown ? undefined : false
    }
  }

  /** Whether the holder of a lease, which is not live here, is alive. */
  isHeard (lease: Lease): boolean {
    return this.#others.isHeard(lease)
  }

  /** Whether a lease may not have ended although its holder does not respond: it has neither left nor been replaced. */
  async mayHold ({ slot, epoch }: Lease): Promise<boolean> {
    if (this.isHeard({ slot, epoch })) return true
    const lease = await this.#readLease(slot)
    // A node with the id of this one would not let it join.
    return lease?.epoch === epoch && !lease.hasLeft && lease.nodeId !== this.#options.nodeId
  }

  async #readLease (slot: number): Promise<LeaseValue | undefined> {
    const store = await this.#openStore()
    const entry = await store.get(leaseKey(slot))
    return entry?.value === undefined ? undefined : decodeLease(entry.value)
  }

  /** Whether a node matches the lease of its slot and has the same settings. */
  async #owns ({ id, slot, epoch }: ClusterNode): Promise<boolean> {
    const lease = await this.#readLease(slot)
    if (lease === undefined || this.#lease === undefined || lease.epoch !== epoch || lease.hasLeft) return false
    const conflict = conflictOf(this.#lease.value, lease)
    if (conflict === undefined) return true
    const message = 'node ignored: its settings differ'
    this.#failures.log({ level: 'error', key: { node: id }, message }, { err: conflict })
    return false
  }

  #listen (slot: number): void {
    const receive = (message: BusMessage): void => { this.#receive(message) }
    const { heartbeats, hello } = this.#subjects
    this.#subscribe(heartbeats, receive)
    this.#subscribe(this.#subjects.heartbeatsTo(slot), receive)
    this.#subscribe(hello, message => {
      this.#sendHeartbeat(this.#subjects.heartbeatsTo(Number(new TextDecoder().decode(message.bytes))))
    })
  }

  #receive ({ bytes }: BusMessage): void {
    const heartbeat = decodeHeartbeat(bytes)
    if (heartbeat !== undefined) this.#others.receive(heartbeat)
  }

  #subscribe (subject: string, receive: (message: BusMessage) => void): void {
    this.#cleanup.push(this.#bus.subscribe(subject, receive))
  }

  /** Announces this node to all others, and asks them to do the same. */
  #announce (slot: number): void {
    this.#sendHeartbeat()
    this.#bus.publish(this.#subjects.hello, new TextEncoder().encode(String(slot)))
    const heartbeat = setInterval(() => {
      if (this.holdsSlot()) this.#host.tick()
      this.#sendHeartbeat()
    }, this.#timings.heartbeat)
    const check = setInterval(() => { this.#others.checkSilent() }, this.#timings.heartbeat / 4)
    this.#cleanup.push(() => {
      clearInterval(heartbeat)
      clearInterval(check)
    })
  }

  #sendHeartbeat (subject = this.#subjects.heartbeats, isLeaving = false): void {
    if (!this.holdsSlot() || this.self === undefined) return
    this.#bus.publish(subject, encodeHeartbeat({ node: this.self, isLeaving, bytes: this.#host.heartbeat() }))
  }

  /** The broker is back. */
  #reconnected (): void {
    this.#others.forgiveSilence()
    this.#lease?.renew()
    this.#sendHeartbeat()
  }

  /** The slot is lost. */
  #fence (): void {
    if (this.#state === 'closed') return
    const wasReady = this.#state === 'ready'
    if (wasReady) this.#state = 'out'
    this.#giveUp()
    // A joining node notices this itself.
    if (!wasReady) return
    this.#log.error({ node: this.#options.nodeId }, 'lost the slot in the cluster, joining again')
    this.#rejoin()
  }

  /** This node is no longer in the cluster. */
  #giveUp (): void {
    const hadSlot = this.#lease !== undefined
    this.#stop()
    if (hadSlot) this.#host.fenced()
    this.#others.clear()
  }

  /** Retries until it has joined. */
  async #rejoin (): Promise<void> {
    while (this.#state === 'out') {
      try {
        this.#state = 'joining'
        await this.#join()
      } catch (error) {
        if (this.#state !== 'joining') return
        this.#state = 'out'
        const [reason, message] = [(error as Error).message, 'joining the cluster again failed']
        this.#failures.log({ level: 'warn', key: { reason }, message }, { err: error })
        await delay(this.#timings.heartbeat / 2)
      }
    }
    this.#failures.end()
  }

  /** Stops sending and receiving. */
  #stop (): void {
    this.#lease = undefined
    for (const end of this.#cleanup.splice(0)) end()
  }
}

function throwIf (error: GodotError | undefined): void {
  if (error !== undefined) throw error
}
