import { DirectBatch } from './message/direct-message.ts'
import type { DirectPacket } from './message/direct-message.ts'
import { LastNumbers } from './message/last-numbers.ts'
import type { NodeContext } from './node-context.ts'

/** Size of a batch in bytes from which it is sent before the end of the turn. */
const MAX_BATCH = 256 * 1024

/** Packets for single peers of other nodes: one message per node and turn. */
export class DirectLinks {
  readonly #context: NodeContext
  readonly #batches = new Map<number, DirectBatch>()
  /** Numbers of the last messages of other nodes. */
  readonly received = new LastNumbers()
  /** Number of the last message to each node. */
  readonly #sent = new Map<number, number>()
  #isArmed = false

  constructor (context: NodeContext) {
    this.#context = context
  }

  /** Sends bytes[start..end) at the end of the turn. */
  send (slot: number, packet: Omit<DirectPacket, 'bytes'>, bytes: Uint8Array, start: number, end: number): void {
    const batch = this.#batches.get(slot) ?? new DirectBatch()
    this.#batches.set(slot, batch)
    batch.add(packet, bytes, start, end)
    if (batch.length > MAX_BATCH) this.#sendBatch(slot, batch)
    else this.#arm()
  }

  /** Sends everything now, so that messages sent another way follow it. */
  flush (): void {
    for (const [slot, batch] of this.#batches) if (!batch.isEmpty) this.#sendBatch(slot, batch)
  }

  /** Number of the last message sent to a node; 0 before the first. */
  lastSentTo (slot: number): number {
    return this.#sent.get(slot) ?? 0
  }

  /** Numbers of the last messages, by slot of the receiver. */
  get lastSent (): IterableIterator<[number, number]> {
    return this.#sent.entries()
  }

  /** The node has left, or joined again: numbers start over. */
  forget (slot: number): void {
    this.#batches.delete(slot)
    this.#sent.delete(slot)
    this.received.forget(slot)
  }

  #sendBatch (slot: number, batch: DirectBatch): void {
    const seq = (this.#sent.get(slot) ?? 0) + 1
    this.#sent.set(slot, seq)
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
