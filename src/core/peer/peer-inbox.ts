import { IncomingQueue } from './incoming-queue.ts'
import type { IncomingQueueHost, PacketSender } from './incoming-queue.ts'
import type { Packet, QueueLimits } from './packet-queue.ts'
import { pauseReason } from './pause-reason.ts'
import type { PauseReason } from './pause-reason.ts'
import type { PeerServer } from './peer-session-host.ts'
import type { PeerSession } from './peer-session.ts'

/** Milliseconds that the packets of a peer wait for an application that has never read any, before they are dropped. */
const UNREAD_GRACE = 1000

/**
 * Packets of one peer that wait for the application (plain mode), as those of a room do in `ServerInbox`. A full queue
 * pauses the peer, but not for long if nobody reads.
 */
export class PeerInbox implements IncomingQueueHost, PacketSender {
  /** Whether the packet taken last was a text message. */
  wasStringPacket = false
  readonly #server: PeerServer
  readonly #session: PeerSession
  readonly #queue: IncomingQueue
  /** Whether packets that do not fit are dropped, because nobody reads; before that they wait for `#unreadTimer`. */
  #dropsUnread = false
  /** While the queue is full. */
  #unreadTimer: NodeJS.Timeout | undefined

  constructor (server: PeerServer, session: PeerSession) {
    this.#server = server
    this.#session = session
    this.#queue = new IncomingQueue(this)
  }

  /** Number of unread packets. */
  get length (): number {
    return this.#queue.length
  }

  /** Adds a packet. */
  add (packet: Packet): void {
    const session = this.#session
    if (this.#dropsUnread && !this.#queue.hasSpace(packet.bytes.length) && !session.host.isRead) {
      return session.host.dropped(session, 'unread', 1)
    }
    this.#queue.push(packet, this, session.isLeaving)
  }

  /** Removes and returns the oldest packet. */
  take (): Packet | undefined {
    const packet = this.#queue.take()
    if (packet !== undefined) this.wasStringPacket = packet.isText
    return packet
  }

  /** No more packets will come: the one that waits for space is queued regardless of the limits. */
  senderEnded (): void {
    this.#queue.senderEnded(this)
  }

  /** The session has ended. Its packets can still be taken. */
  end (): void {
    clearTimeout(this.#unreadTimer)
  }

  // ---- the queue ----

  get queueLimits (): QueueLimits {
    return this.#server.settings.inputLimits
  }

  packetQueued (): void {
    this.#session.host.dataReceived(this.#session)
  }

  defer (callback: () => void): void {
    this.#server.defer(callback)
  }

  pauseReading (reason: PauseReason): void {
    this.#watchUnread()
    this.#session.pauseReading(reason)
  }

  resumeReading (reason: PauseReason): void {
    this.#session.resumeReading(reason)
  }

  #watchUnread (): void {
    this.#unreadTimer ??= setTimeout(() => { this.#checkUnread() }, UNREAD_GRACE)
  }

  /**
   * The queue has been full for a while. If the application listens for packets now, the one that waits is queued over
   * the limits, so that reading can resume; if it has never read, packets that do not fit are dropped.
   */
  #checkUnread (): void {
    this.#unreadTimer = undefined
    const session = this.#session
    if (session.host.isPushed) {
      return this.defer(() => {
        this.#queue.senderEnded(this)
        this.resumeReading(pauseReason.QUEUE)
      })
    }
    if (session.host.isRead) {
      if (this.#queue.awaits(this)) this.#watchUnread()
      return
    }
    this.#dropsUnread = true
    if (this.#queue.discard(this)) session.host.dropped(session, 'unread', 1)
    this.resumeReading(pauseReason.QUEUE)
  }
}
