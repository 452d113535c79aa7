import type { BurstLog } from '../../core/server/log/burst-log.ts'
import type { Logger } from '../../logger.ts'
import type { ClusterNode, MembershipHost, NodeLeftCause } from '../membership/membership-host.ts'
import type { Lease } from './lease.ts'
import type { NodeHeartbeat } from './node-heartbeat.ts'
import type { Timings } from './timings.ts'

/** What a node checks about another one. */
export interface Inquiry {
  /** Whether it responds and owns the lease of its slot. */
  owns (node: ClusterNode): Promise<boolean>
  /** Whether it responds; undefined if the broker is unreachable. */
  answers (node: ClusterNode): Promise<boolean | undefined>
}

/** A node that sends heartbeats and has not joined here. */
interface Stranger {
  /** By performance.now(). */
  heardAt: number
  /** Whether it is being looked up. */
  isAsked: boolean
}

interface OtherNode {
  node: ClusterNode
  state: 'joining' | 'live'
  /** By performance.now(). */
  heardAt: number
  /** Whether it is being pinged. */
  isAsked: boolean
  joining: Promise<void>
}

/** The other nodes of a cluster: tracks which have joined and left. */
export class OtherNodes {
  readonly #host: MembershipHost
  readonly #inquiry: Inquiry
  readonly #timings: Timings
  readonly #log: Logger
  readonly #failures: BurstLog
  readonly #bySlot = new Map<number, OtherNode>()
  /** By slot and epoch. */
  readonly #strangers = new Map<string, Stranger>()
  #heard = (): void => {}

  constructor (
    host: MembershipHost, inquiry: Inquiry, timings: Timings, { log, failures }: { log: Logger, failures: BurstLog }
  ) {
    this.#host = host
    this.#inquiry = inquiry
    this.#timings = timings
    this.#log = log
    this.#failures = failures
  }

  /** All that are live. */
  live (): ClusterNode[] {
    return [...this.#bySlot.values()].filter(({ state }) => state === 'live').map(({ node }) => node)
  }

  /** The live node that has a slot. */
  liveIn (slot: number): ClusterNode | undefined {
    const other = this.#bySlot.get(slot)
    return other?.state === 'live' ? other.node : undefined
  }

  /** The node that has a slot, live or joining. */
  get (slot: number): ClusterNode | undefined {
    return this.#bySlot.get(slot)?.node
  }

  /** Resolves once all nodes that have sent a heartbeat have joined; waits for these for `hello` at most. */
  async joined (expected: readonly Lease[]): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>(resolve => {
      timer = setTimeout(resolve, this.#timings.hello)
      this.#heard = () => { if (expected.every(({ slot, epoch }) => this.get(slot)?.epoch === epoch)) resolve() }
      this.#heard()
    })
    clearTimeout(timer)
    this.#heard = () => {}
    for (let waiting = this.#joining(); waiting.length > 0; waiting = this.#joining()) {
      await Promise.all(waiting.map(({ joining }) => joining))
    }
  }

  #joining (): OtherNode[] {
    return [...this.#bySlot.values()].filter(({ state }) => state === 'joining')
  }

  /** A heartbeat has arrived. */
  receive (heartbeat: NodeHeartbeat): void {
    const { node, isLeaving, bytes } = heartbeat
    const other = this.#bySlot.get(node.slot)
    if (other?.node.epoch !== node.epoch) {
      if (isLeaving) this.#strangers.delete(keyOf(node))
      else this.#introduce(node)
      return
    }
    other.heardAt = performance.now()
    if (isLeaving) {
      this.#remove(other, 'left')
      return
    }
    if (other.node.isDraining !== node.isDraining) other.node = node
    if (other.state === 'live') this.#host.heard(other.node, bytes)
  }

  /** An unknown node joins if it owns its slot: it may have been stopped, or its message be late. */
  #introduce (node: ClusterNode): void {
    const key = keyOf(node)
    const stranger = this.#strangers.get(key) ?? { heardAt: 0, isAsked: false }
    this.#strangers.set(key, stranger)
    stranger.heardAt = performance.now()
    if (stranger.isAsked) return
    stranger.isAsked = true
    this.#inquiry.owns(node)
      .then(isOwner => { if (isOwner && this.#strangers.get(key) === stranger) this.#join(node) })
      // An error of the bus: it is looked up again at its next heartbeat.
      .catch((error: unknown) => { this.#log.debug({ err: error, node: node.id }, 'looking up a node failed') })
      .finally(() => { stranger.isAsked = false })
  }

  /** Whether the holder of a lease sends heartbeats although it has not joined here: it is alive. */
  isHeard (lease: Lease): boolean {
    const { heardAt = -Infinity } = this.#strangers.get(keyOf(lease)) ?? {}
    return performance.now() - heardAt <= this.#timings.silence
  }

  #join (node: ClusterNode): void {
    this.#strangers.delete(keyOf(node))
    for (const other of [...this.#bySlot.values()]) {
      // It was restarted before the others noticed that it had left.
      if (other.node.slot === node.slot || other.node.id === node.id) this.#remove(other, 'lost')
    }
    const other: OtherNode = {
      node, state: 'joining', heardAt: performance.now(), isAsked: false, joining: Promise.resolve()
    }
    this.#bySlot.set(node.slot, other)
    other.joining = this.#admit(other)
    this.#heard()
  }

  async #admit (other: OtherNode): Promise<void> {
    try {
      await this.#host.joined(other.node)
      other.state = 'live'
    } catch (error) {
      if (!this.#has(other)) return
      const { id } = other.node
      this.#failures.log({ level: 'warn', key: { node: id }, message: 'adding a node failed' }, { err: error })
      this.#bySlot.delete(other.node.slot)
      this.#strangers.set(keyOf(other.node), { heardAt: other.heardAt, isAsked: false })
    }
  }

  #has (other: OtherNode): boolean {
    return this.#bySlot.get(other.node.slot) === other
  }

  /** Pings the nodes whose heartbeats are missing. */
  checkSilent (): void {
    const now = performance.now()
    for (const [key, { heardAt }] of this.#strangers) {
      if (now - heardAt > this.#timings.quarantine) this.#strangers.delete(key)
    }
    for (const other of this.#bySlot.values()) {
      if (now - other.heardAt > this.#timings.silence && !other.isAsked) this.#ask(other)
    }
  }

  #ask (other: OtherNode): void {
    const { heardAt } = other
    other.isAsked = true
    this.#inquiry.answers(other.node).then(answers => {
      other.isAsked = false
      if (answers === true) other.heardAt = performance.now()
      if (answers === false && other.heardAt === heardAt && this.#has(other)) this.#remove(other, 'lost')
    }, () => { other.isAsked = false })
  }

  /** No heartbeat can have arrived in the meantime: the broker was unreachable. */
  forgiveSilence (): void {
    for (const other of [...this.#bySlot.values(), ...this.#strangers.values()]) other.heardAt = performance.now()
  }

  /** This node is no longer in the cluster: to it all others are lost. */
  clear (): void {
    this.#strangers.clear()
    for (const other of [...this.#bySlot.values()]) this.#remove(other, 'lost')
  }

  #remove (other: OtherNode, cause: NodeLeftCause): void {
    this.#bySlot.delete(other.node.slot)
    this.#host.left(other.node, cause)
  }
}

function keyOf ({ slot, epoch }: Lease): string {
  return `${slot} ${epoch}`
}
