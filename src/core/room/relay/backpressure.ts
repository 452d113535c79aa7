import type { PacketSender } from '../../peer/incoming-queue.ts'
import { pauseReason } from '../../peer/pause-reason.ts'
import type { PeerOutbox } from '../../peer/peer-outbox.ts'

/** How long the senders of a room wait for one receiver, in milliseconds. */
const MAX_PAUSE = 2000

/** One receiver above its high-water mark. */
interface Episode {
  readonly since: number
  /** State of its connection at that time, to see whether it accepts anything. */
  readonly confirmations: number
  readonly unsentBytes: number
  /** Whether the senders wait for it; no longer after MAX_PAUSE. */
  isAwaited: boolean
}

/** What all rooms share. */
interface BackpressureHost {
  readonly settings: { readonly options: { readonly gdMpApi: boolean } }
  /** Calls back outside of the current call. */
  defer (callback: () => void): void
}

/**
 * Makes a room run at the speed of its receivers: while one of them is above its high-water mark, members that send are
 * paused, for MAX_PAUSE at most. A receiver that accepts nothing for that long is slow.
 */
export class Backpressure {
  /** Whether members that send have to be paused. */
  isActive = false
  /** Called when receivers here rise above their high-water mark or have caught up. */
  onChange: ((isCongested: boolean) => void) | undefined
  readonly #server: BackpressureHost
  /** Undefined until a receiver lags behind, as in most rooms none ever does. */
  #receivers: Map<PeerOutbox, Episode> | undefined
  /** In a cluster: nodes where receivers of the room are above it, and the timers that end this without news. */
  #nodes: Map<number, NodeJS.Timeout> | undefined
  #isCongested = false
  #senders: Set<PacketSender> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor (server: BackpressureHost) {
    this.#server = server
  }

  /** Whether senders wait for this receiver, or would if it were above its high-water mark. */
  mayWaitFor (receiver: PeerOutbox): boolean {
    return this.#isEnabled && this.#receivers?.get(receiver)?.isAwaited !== false
  }

  /** The receiver is above its high-water mark: senders wait until it has caught up. */
  waitFor (receiver: PeerOutbox): void {
    if (!this.#isEnabled || this.#receivers?.has(receiver) === true) return
    const { confirmations, connection: { unsentBytes } } = receiver
    this.#receivers ??= new Map()
    this.#receivers.set(receiver, { since: performance.now(), confirmations, unsentBytes, isAwaited: true })
    receiver.onCaughtUp = () => { this.stopWaitingFor(receiver) }
    this.#timer ??= setTimeout(() => { this.#expire() }, MAX_PAUSE)
    this.#update()
  }

  /** The receiver has caught up, or has left. */
  stopWaitingFor (receiver: PeerOutbox): void {
    if (this.#receivers?.delete(receiver) !== true) return
    receiver.onCaughtUp = undefined
    this.#update()
  }

  /** Pauses a member that sends until all receivers have caught up. */
  pause (sender: PacketSender): void {
    this.#senders ??= new Set()
    if (this.#senders.has(sender)) return
    this.#senders.add(sender)
    sender.pauseReading(pauseReason.ROOM)
  }

  /** The sender has moved to another room. */
  forget (sender: PacketSender): void {
    this.#senders?.delete(sender)
  }

  get #isEnabled (): boolean {
    return this.#server.settings.options.gdMpApi
  }

  /** Receivers on another node are above their high-water mark, or no longer; without news for MAX_PAUSE at most. */
  setElsewhere (node: number, isCongested: boolean): void {
    this.#nodes ??= new Map()
    clearTimeout(this.#nodes.get(node))
    this.#nodes.delete(node)
    if (isCongested) this.#nodes.set(node, setTimeout(() => { this.setElsewhere(node, false) }, MAX_PAUSE).unref())
    this.#update()
  }

  #update (): void {
    if (this.#receivers === undefined || this.#receivers.size === 0) {
      clearTimeout(this.#timer)
      this.#timer = undefined
    }
    const isCongested = this.#isWaiting()
    if (isCongested !== this.#isCongested) {
      this.#isCongested = isCongested
      this.onChange?.(isCongested)
    }
    const wasActive = this.isActive
    this.isActive = isCongested || (this.#nodes?.size ?? 0) > 0
    if (wasActive && !this.isActive) this.#server.defer(() => { this.#resume() })
  }

  #isWaiting (): boolean {
    for (const { isAwaited } of this.#receivers?.values() ?? []) if (isAwaited) return true
    return false
  }

  /**
   * Packets of one resumed sender may exceed a high-water mark again: then the others stay paused and are resumed first
   * next time.
   */
  #resume (): void {
    for (const sender of this.#senders ?? []) {
      if (this.isActive) return
      this.#senders!.delete(sender)
      sender.resumeReading(pauseReason.ROOM)
    }
  }

  /** After a stalled loop, a receiver may have accepted bytes that the connection learns of in this very turn. */
  #expire (): void {
    this.#timer = undefined
    setImmediate(() => { this.#updateState(performance.now()) })
  }

  #updateState (now: number): void {
    let next = Infinity
    for (const [receiver, episode] of this.#receivers!) {
      const left = episode.since + MAX_PAUSE - now
      if (!episode.isAwaited) continue
      if (left > 0) next = Math.min(next, left)
      else if (hasProgress(receiver, episode)) episode.isAwaited = false
      else receiver.host.closeSlow()
    }
    // A receiver that has lagged behind since the timer expired has set another one, for its own, later end.
    clearTimeout(this.#timer)
    this.#timer = next < Infinity ? setTimeout(() => { this.#expire() }, next) : undefined
    this.#update()
  }
}

function hasProgress ({ confirmations, connection }: PeerOutbox, since: Episode): boolean {
  return confirmations !== since.confirmations || connection.unsentBytes < since.unsentBytes
}
