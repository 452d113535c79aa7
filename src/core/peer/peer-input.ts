import { FrameReader } from '../../protocol/websocket/frame-reader.ts'
import type { FrameReceiver } from '../../protocol/websocket/frame-reader.ts'
import { ownBytes } from '../../protocol/own-bytes.ts'
import { inflate } from './deflate.ts'
import { inLaterTurn } from '../in-later-turn.ts'
import { pauseReason } from './pause-reason.ts'
import type { PauseReason } from './pause-reason.ts'
import type { Connection } from '../../transport/connection.ts'

/** Settings of the server that apply to the input of its peers. */
export interface InputSettings {
  /** Maximum size of a message, in bytes. */
  readonly maxMessageSize: number
  /** Whether input is handled as it arrives instead of in `poll()`. */
  readonly autoPoll: boolean
}

/** Receives frames, and learns that a paused connection ends. */
export interface InputReceiver extends FrameReceiver {
  /** While reading was paused only because a queue is full, the client has closed the connection. */
  onEndAhead (): void
}

/** Maximum bytes read ahead during a pause, to see control frames and the end; then the socket is paused too. */
const LOOK_AHEAD = 65536
/** Pauses without reading ahead: pings count for the rate limit, too, and a turn ends soon. */
const UNSEEN = pauseReason.RATE | pauseReason.TURN

/** Frames of one peer that are read in one turn of the event loop; a chunk can hold ten thousand. */
export const FRAMES_AT_ONCE = 256
/** The same with permessage-deflate: inflating a message takes as long as many others. */
export const INFLATED_AT_ONCE = 64

/** Input of one peer: its chunks become frames at once or in the poll, unless reading is paused. */
export class PeerInput {
  /** Heartbeat checks since the last data from the client. */
  missedHeartbeats = 0
  readonly #connection: Connection
  readonly #settings: InputSettings
  readonly #receiver: InputReceiver
  readonly #reader: FrameReader
  /** Without autoPoll: chunks that wait for the poll. */
  #unread: Uint8Array[] | undefined
  #unreadBytes = 0
  /** Reasons to pause, as bits. */
  #pauses = 0
  #isSocketPaused = false

  /** `isDeflated`: permessage-deflate was negotiated. */
  constructor (connection: Connection, receiver: InputReceiver, settings: InputSettings, isDeflated: boolean) {
    this.#connection = connection
    this.#settings = settings
    this.#receiver = receiver
    // Without autoPoll the application decides when others have their turn.
    const framesAtOnce = !settings.autoPoll ? Infinity : isDeflated ? INFLATED_AT_ONCE : FRAMES_AT_ONCE
    this.#reader = new FrameReader(receiver, settings.maxMessageSize, isDeflated ? inflate : undefined, framesAtOnce)
  }

  /** bytes[0..length) have arrived; valid until the call returns, and overwritten by it. */
  read (bytes: Uint8Array, length: number): void {
    this.missedHeartbeats = 0
    if (!this.#settings.autoPoll) return this.#postpone(bytes, length)
    this.#reader.read(bytes, length)
    if (this.#reader.isStopped) this.#stopped()
  }

  /** Without autoPoll: reads what has arrived since the last poll, and continues if a pause is over. */
  poll (): void {
    const unread = this.#unread
    if (unread === undefined && !this.#reader.isStopped) return
    if (unread !== undefined) {
      this.#unread = undefined
      this.#unreadBytes = 0
      this.missedHeartbeats = 0
      for (const chunk of unread) this.#reader.read(chunk, chunk.length)
    }
    while (this.#reader.isStopped && this.#pauses === 0) this.#reader.resume()
    this.#lookAhead()
  }

  /** Pauses after the current message, until every reason is gone. */
  pauseReading (reason: PauseReason): void {
    this.#pauses |= reason
    this.#reader.stop()
  }

  /** One or several reasons, as bits, are gone. */
  resumeReading (reasons: number): void {
    if ((this.#pauses & reasons) === 0) return
    this.#pauses &= ~reasons
    if (this.#pauses === 0) this.readOn()
    else if (this.#settings.autoPoll) this.#lookAhead()
  }

  /** Continues, whatever the reasons to pause; without autoPoll in the next poll. */
  readOn (): void {
    this.#pauses = 0
    // Silence while reading was paused does not count: nothing could be read.
    this.missedHeartbeats = 0
    if (!this.#settings.autoPoll) return
    this.#reader.resume()
    this.#stopped()
  }

  /** Reads everything that has arrived, whatever the reasons to pause: nothing more will come. */
  drain (): void {
    while (this.#reader.isStopped) this.#reader.resume()
  }

  /** Stops reading permanently. */
  end (): void {
    this.#reader.end()
  }

  /** Whether reading is paused, or input waits for the poll. */
  get isPaused (): boolean {
    return this.#reader.isStopped || this.#unread !== undefined
  }

  #postpone (bytes: Uint8Array, length: number): void {
    (this.#unread ??= []).push(ownBytes(bytes, 0, length))
    this.#unreadBytes += length
    this.#updateSocket()
  }

  /** Reading may be paused, or the reader has stopped by itself, so that others have their turn. */
  #stopped (): void {
    if (this.#reader.isStopped && this.#pauses === 0) {
      this.#pauses = pauseReason.TURN
      inLaterTurn(() => { this.resumeReading(pauseReason.TURN) })
    }
    this.#lookAhead()
  }

  /** While reading is paused: answers pings in what waits, and sees whether the connection ends in it. */
  #lookAhead (): void {
    let seen: ReturnType<FrameReader['lookAhead']> = 'ping'
    while (seen === 'ping' && this.#reader.isStopped && (this.#pauses & UNSEEN) === 0) seen = this.#reader.lookAhead()
    if (seen === 'end' && this.#pauses === pauseReason.QUEUE) this.#receiver.onEndAhead()
    this.#updateSocket()
  }

  #updateSocket (): void {
    const limit = this.#unreadBytes > 0 ? this.#settings.maxMessageSize : LOOK_AHEAD
    const isFull = this.#reader.isStopped || this.#unreadBytes > 0
    const mustPause = isFull && this.#reader.heldBytes + this.#unreadBytes >= limit
    if (mustPause === this.#isSocketPaused) return
    this.#isSocketPaused = mustPause
    if (mustPause) this.#connection.pause()
    else this.#connection.resume()
  }
}
