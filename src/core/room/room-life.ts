import { closeCode } from '../../protocol/websocket/close-code.ts'
import type { PeerSession } from '../peer/peer-session.ts'

/** Peers of a closing room that are closed in one turn of the event loop. */
const BATCH_SIZE = 1000

/** How a room is being closed; without `code` because it was empty. */
export interface RoomEnd { readonly code: number | undefined, readonly reason: string }

/**
 * - `used`: has members, or was opened by a client: when one leaves and no member is left, it waits for `emptyTimeout`
 * - `waiting`: for a member, as long as the timer says; without a timer it waits without limit
 * - `over`: has waited long enough, and ends as soon as no client is in it
 */
type LifeState = 'used' | 'waiting' | 'over'

/** What RoomLife needs of its room. */
export interface RoomLifeHost {
  /** Clients in it, including authenticating ones. */
  readonly clientCount: number
  /** Members, wherever they are. */
  readonly peerCount: number
  readonly settings: { readonly emptyTimeout: number }
  /** Calls back now or, without autoPoll, in the next poll. */
  runInPoll (callback: () => void): void
  /** They may come and go during iteration. */
  sessions (): Iterable<PeerSession>
  /** The room has ended: it has no clients and accepts none. */
  closed (end: RoomEnd): void
}

/**
 * Ends a room: once it was without members for `emptyTimeout`, or once it is closed and its last client has left. An
 * authenticating client does not count as a member; but no room ends by itself while it has one.
 */
export class RoomLife {
  readonly #room: RoomLifeHost
  readonly #isEndless: boolean
  #emptyTimer: NodeJS.Timeout | undefined
  /** Since when it waits for `emptyTimeout`, on the clock of `performance.now()`. */
  #emptySince: number | undefined
  #state: LifeState = 'waiting'
  #end: RoomEnd | undefined
  #closed: Promise<void> | undefined
  #onEmpty: (() => void) | undefined
  #isFinished = false

  /** `isEndless`: the room never ends; closing it only disconnects its clients. */
  constructor (room: RoomLifeHost, isEndless: boolean) {
    this.#room = room
    this.#isEndless = isEndless
  }

  /** How it is being closed. */
  get end (): RoomEnd | undefined {
    return this.#end
  }

  /** A client opens the room: if it fails to authenticate, the room is empty. */
  openedByClient (): void {
    this.#state = 'used'
  }

  /** A member is in the room. */
  entered (): void {
    this.#stopWaiting()
    this.#state = 'used'
  }

  /** `emptyTimeout` has changed, also for a room that is empty already, counted from when it became empty. */
  timeoutChanged (): void {
    const since = this.#emptySince
    if (since === undefined) return
    this.#state = 'waiting'
    this.endIfEmptyAfter(this.#room.settings.emptyTimeout - (performance.now() - since) / 1000)
    this.#emptySince = since
  }

  /** A client has left. */
  left (): void {
    if (this.#isFinished || this.#isEndless) return
    const { clientCount, peerCount } = this.#room
    if (this.#end !== undefined && clientCount === 0) return this.#finish(this.#end)
    if (this.#end !== undefined) return
    if (this.#state === 'over') this.#endIfEmpty()
    else if (this.#state === 'used' && peerCount === 0) this.#startWaiting()
  }

  /** Ends the room after `seconds` seconds unless it has a member by then. */
  endIfEmptyAfter (seconds: number): void {
    this.#stopWaiting()
    const timer = this.#emptyTimer = setTimeout(() => {
      this.#room.runInPoll(() => { if (this.#emptyTimer === timer) this.#waitedLongEnough() })
    }, seconds * 1000)
    timer.unref()
  }

  #stopWaiting (): void {
    clearTimeout(this.#emptyTimer)
    this.#emptyTimer = undefined
    this.#emptySince = undefined
  }

  /** Closes everyone; resolves when the last of them has gone. Clients may join an endless room in the meantime. */
  async close (code: number, reason: string): Promise<void> {
    if (this.#isEndless) return await this.#closeClients({ code, reason })
    if (this.#end === undefined) this.#start({ code, reason })
    await this.#closed
  }

  #startWaiting (): void {
    const { emptyTimeout } = this.#room.settings
    this.#state = 'waiting'
    if (emptyTimeout > 0) this.endIfEmptyAfter(emptyTimeout)
    this.#emptySince = performance.now()
    if (emptyTimeout === 0) this.#waitedLongEnough()
  }

  /** A client that is authenticating now may still become a member. */
  #waitedLongEnough (): void {
    this.#state = 'over'
    this.#endIfEmpty()
  }

  #endIfEmpty (): void {
    if (this.#room.clientCount === 0 && this.#end === undefined) this.#start({ code: undefined, reason: '' })
  }

  #start (end: RoomEnd): void {
    this.#stopWaiting()
    this.#end = end
    if (this.#room.clientCount === 0) return this.#finish(end)
    this.#closed = new Promise(resolve => { this.#onEmpty = resolve })
    this.#closeClients(end)
  }

  /** Resolves when all clients that are in the room now have gone. */
  async #closeClients ({ code = closeCode.NORMAL, reason }: RoomEnd): Promise<void> {
    const sessions = [...this.#room.sessions()]
    for (const [index, session] of sessions.entries()) {
      if (index > 0 && index % BATCH_SIZE === 0) await new Promise(resolve => { setImmediate(resolve) })
      session.close('room', code, reason)
    }
    await Promise.all(sessions.map(session => session.ended()))
  }

  #finish (end: RoomEnd): void {
    this.#isFinished = true
    this.#room.closed(end)
    this.#onEmpty?.()
    this.#onEmpty = undefined
  }
}
