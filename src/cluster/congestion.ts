import { pauseReason } from '../core/peer/pause-reason.ts'
import type { PacketSender } from '../core/peer/incoming-queue.ts'
import type { NodeContext } from './node-context.ts'

/** Unconfirmed bytes above which senders are paused, and below which they resume. */
export const MAX_UNCONFIRMED = 8 * 1024 * 1024
const LOW = MAX_UNCONFIRMED / 2

/** Milliseconds between checks while senders are paused. */
const INTERVAL = 10

/**
 * Pauses the peers that send to other nodes while the broker lags behind, so that nothing is dropped or accumulates.
 */
export class Congestion {
  readonly #context: NodeContext
  readonly #paused = new Set<PacketSender>()
  #timer: NodeJS.Timeout | undefined

  constructor (context: NodeContext) {
    this.#context = context
  }

  /** Whether peers that send to other nodes must be paused. */
  get isActive (): boolean {
    return this.#unconfirmedBytes > MAX_UNCONFIRMED
  }

  /** 0 while this node is not in the cluster, as there may be no bus then. */
  get #unconfirmedBytes (): number {
    return this.#context.lease.slot > 0 ? this.#context.bus.unconfirmedBytes : 0
  }

  /** Pauses a sender until the broker has caught up. */
  pause (sender: PacketSender): void {
    if (this.#paused.has(sender)) return
    this.#paused.add(sender)
    sender.pauseReading(pauseReason.CLUSTER)
    this.#timer ??= setInterval(() => { if (this.#unconfirmedBytes < LOW) this.end() }, INTERVAL)
  }

  /** Resumes all senders. */
  end (): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    const senders = [...this.#paused]
    this.#paused.clear()
    for (const sender of senders) sender.resumeReading(pauseReason.CLUSTER)
  }
}
