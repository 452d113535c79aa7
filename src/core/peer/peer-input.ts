import { FrameReader } from '../../protocol/websocket/frame-reader.ts'
import type { FrameReceiver } from '../../protocol/websocket/frame-reader.ts'
import { ownBytes } from '../../protocol/own-bytes.ts'
import { inflate, INFLATED_AT_ONCE } from './deflate.ts'
import type { Connection } from '../../transport/connection.ts'

/** What a server lays down for the input of its peers. */
export interface InputSettings {
  readonly maxMessageSize: number
  readonly autoPoll: boolean
}

/** What comes from one peer: its chunks become frames at once, or in the poll, unless the peer has to wait. */
export class PeerInput {
  /** Looks of the heartbeat since the peer was last heard. */
  missedHeartbeats = 0
  readonly #connection: Connection
  readonly #settings: InputSettings
  readonly #reader: FrameReader
  /** Without autoPoll: chunks that wait for the poll. */
  #unread: Uint8Array[] | undefined
  #unreadBytes = 0
  /** Why reading stands still: packets without room, rates. */
  #holds = 0
  #inflated = 0

  /** `isDeflated`: permessage-deflate was agreed on. */
  constructor (connection: Connection, receiver: FrameReceiver, settings: InputSettings, isDeflated: boolean) {
    this.#connection = connection
    this.#settings = settings
    this.#reader = new FrameReader(receiver, settings.maxMessageSize, isDeflated ? (bytes, maxSize) => this.#inflate(bytes, maxSize) : undefined)
  }

  /** bytes[0..length) came; they are overwritten, and good until the call returns. */
  read (bytes: Uint8Array, length: number): void {
    this.missedHeartbeats = 0
    if (this.#settings.autoPoll) this.#reader.read(bytes, length)
    else this.#postpone(bytes, length)
  }

  #postpone (bytes: Uint8Array, length: number): void {
    (this.#unread ??= []).push(ownBytes(bytes, 0, length))
    this.#unreadBytes += length
    if (this.#unreadBytes >= this.#settings.maxMessageSize) this.#connection.pause()
  }

  /** Reads what came since the last poll (only without autoPoll). */
  poll (): void {
    const unread = this.#unread
    if (unread === undefined) return
    this.#unread = undefined
    this.#unreadBytes = 0
    this.missedHeartbeats = 0
    for (const chunk of unread) this.#reader.read(chunk, chunk.length)
    if (!this.#reader.isStopped) this.#connection.resume()
  }

  /** Stands still after the message in hand, until every `hold` has had its `release`. */
  pauseReading (): void {
    this.#holds++
    this.#reader.stop()
    this.#connection.pause()
  }

  resumeReading (): void {
    if (this.#holds === 0) return
    this.#holds--
    if (this.#holds === 0) this.readOn()
  }

  /** Goes on, whoever holds it. */
  readOn (): void {
    this.#holds = 0
    // The peer could not be heard until now.
    this.missedHeartbeats = 0
    this.#reader.resume()
    if (!this.#reader.isStopped) this.#connection.resume()
  }

  /** Reads all there is, whoever holds it: nothing more will come. */
  drain (): void {
    while (this.#reader.isStopped) this.#reader.resume()
  }

  /** Reads nothing any more. */
  end (): void {
    this.#reader.end()
  }

  /** Without autoPoll the application says when others have their turn. */
  #inflate (bytes: Uint8Array, maxSize: number): Uint8Array | number {
    if (++this.#inflated % INFLATED_AT_ONCE === 0 && this.#settings.autoPoll) {
      this.pauseReading()
      setImmediate(() => { this.resumeReading() })
    }
    return inflate(bytes, maxSize)
  }

  /** Whether something waits unread, or the peer may not send. */
  get isPaused (): boolean {
    return this.#reader.isStopped || this.#unread !== undefined
  }
}
