import type { RemoteEvent } from '../core/server/cluster-link.ts'
import type { Lease } from './membership/lease.ts'
import { decodeJson, encodeJson } from './message/json.ts'
import { LastNumbers } from './message/last-numbers.ts'
import type { NodeContext } from './node-context.ts'

/** Maximum bytes of several events in one message, below any `max_payload`. */
const MAX_BATCH = 32 * 1024

interface EventMessage extends Lease { readonly seq: number, readonly events: readonly RemoteEvent[] }

/** What the exchange reports to the rest of its node. */
export interface EventExchangeHost {
  received (slot: number, event: RemoteEvent): void
  lost (slot: number, count: number): void
}

/** Sends the operator events of this node to the others: one message per turn. */
export class EventExchange {
  readonly #context: NodeContext
  readonly #host: EventExchangeHost
  /** Numbers of the last messages of other nodes. */
  readonly received = new LastNumbers()
  #seq = 0
  #waiting: RemoteEvent[] = []
  #bytes = 0

  constructor (context: NodeContext, host: EventExchangeHost) {
    this.#context = context
    this.#host = host
  }

  /** Subscribes to the events of other nodes; returns a function that unsubscribes. */
  listen (): () => void {
    const { bus, subjects } = this.#context
    return bus.subscribe(subjects.allEvents, ({ bytes }) => { this.#receive(decodeJson(bytes)) })
  }

  /** The node has left, or joined again: its numbers start over. */
  forget (slot: number): void {
    this.received.forget(slot)
  }

  /** Number of the last message of this node; 0 before the first. */
  get lastSent (): number {
    return this.#seq
  }

  send (event: RemoteEvent): void {
    const { length } = encodeJson(event)
    if (this.#bytes + length > MAX_BATCH) this.#flush()
    if (this.#waiting.push(event) === 1) setImmediate(() => { this.#flush() })
    this.#bytes += length + 1
  }

  #flush (): void {
    const events = this.#waiting
    this.#waiting = []
    this.#bytes = 0
    const { lease } = this.#context
    if (events.length === 0 || lease.slot === 0) return
    const message: EventMessage = { ...lease, seq: ++this.#seq, events }
    this.#context.publish(this.#context.subjects.eventsOf(lease.slot), encodeJson(message))
  }

  #receive ({ slot, epoch, seq, events }: EventMessage): void {
    if (!this.#context.isLive({ slot, epoch })) return
    const lost = this.received.arrived(slot, seq)
    if (lost === undefined) return
    if (lost > 0) this.#host.lost(slot, lost)
    for (const event of events) this.#host.received(slot, event)
  }
}
