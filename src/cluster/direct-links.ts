import type { ClusterNode } from './membership/membership-host.ts'
import { DirectBatch } from './message/direct-message.ts'
import type { DirectPacket } from './message/direct-message.ts'
import { LastNumbers } from './message/last-numbers.ts'
import type { NodeContext } from './node-context.ts'

/** Maximum bytes of a batch of several packets: it is sent before the end of the turn. */
const MAX_BATCH = 256 * 1024

/** Packets for single peers of other nodes: one message per node and turn. */
export class DirectLinks {
  readonly #context: NodeContext
  readonly #batches = new Map<number, DirectBatch>()
  /** Numbers of the last messages of other nodes. */
  readonly received = new LastNumbers()
  /** Number of the last message to each slot. Numbering continues when the node rejoins, which asks for the number. */
  readonly #sent = new Map<number, number>()
  /** Nodes that have left, by slot: their epoch and that of this node. */
  readonly #left = new Map<number, string>()
  #isArmed = false

  constructor (context: NodeContext) {
    this.#context = context
  }

  /** Sends bytes[start..end) at the end of the turn. */
  send (slot: number, packet: Omit<DirectPacket, 'bytes'>, bytes: Uint8Array, start: number, end: number): void {
    const batch = this.#batches.get(slot) ?? new DirectBatch()
    this.#batches.set(slot, batch)
    const limit = Math.min(MAX_BATCH, this.#context.maxPayload)
    if (!batch.isEmpty && batch.lengthWith(packet.room, end - start) > limit) this.#sendBatch(slot, batch)
    batch.add(packet, bytes, start, end)
    this.#arm()
  }

  /** Sends everything now, so that messages sent another way follow it. */
  flush (): void {
    for (const [slot, batch] of this.#batches) if (!batch.isEmpty) this.#sendBatch(slot, batch)
  }

  /** Number of the last message sent to a node; 0 before the first. */
  lastSentTo (slot: number): number {
    return this.#sent.get(slot) ?? 0
  }

  /** Numbers of the last messages to the nodes that are live, by slot of the receiver. */
  get lastSent (): Array<[number, number]> {
    const live = new Set(Array.from(this.#context.nodes(), ({ slot }) => slot))
    return [...this.#sent].filter(([slot]) => live.has(slot))
  }

  left ({ slot, epoch }: ClusterNode): void {
    this.#left.set(slot, this.#leases(epoch))
    this.#batches.delete(slot)
    this.received.forget(slot)
  }

  /**
   * A node that was silent for too long does not know that the others declared it lost and sent nothing to it. The
   * number skipped here makes it detect the gap.
   */
  joined ({ slot, epoch }: ClusterNode): void {
    if (this.#left.get(slot) === this.#leases(epoch)) this.#nextNumber(slot)
    this.#left.delete(slot)
    this.received.forget(slot)
  }

  #leases (epoch: number): string {
    return `${epoch} ${this.#context.lease.epoch}`
  }

  #nextNumber (slot: number): number {
    const seq = this.lastSentTo(slot) + 1
    this.#sent.set(slot, seq)
    return seq
  }

  #sendBatch (slot: number, batch: DirectBatch): void {
    const seq = this.#nextNumber(slot)
    const { lease, subjects } = this.#context
    this.#context.publish(subjects.packets(slot), batch.take({ ...lease, seq }))
  }

  #arm (): void {
    if (this.#isArmed) return
    this.#isArmed = true
    setImmediate(() => {
      this.#isArmed = false
      this.flush()
    })
  }
}
