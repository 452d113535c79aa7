import { Buffer } from 'node:buffer'

/** Payload of the ping; heartbeats have none. */
const PAYLOAD = Buffer.from('last words')

/**
 * A close frame that waits until the client has read what was sent before: Godot drops unread packets when it reads a
 * close frame. The client has read them once it answers a ping.
 */
export class LastWords {
  /** Payload of the ping to send. */
  readonly ping: Uint8Array = PAYLOAD
  readonly #timer: NodeJS.Timeout
  #sendClose: (() => void) | undefined

  /** Calls `sendClose` once: on the answer, or after `seconds` seconds. */
  constructor (seconds: number, sendClose: () => void) {
    this.#sendClose = sendClose
    this.#timer = setTimeout(() => { this.end() }, seconds * 1000)
  }

  /** The client has sent a pong. */
  received (bytes: Uint8Array, start: number, end: number): void {
    if (PAYLOAD.equals(bytes.subarray(start, end))) this.end()
  }

  /** Sends the close frame unless it has been sent. */
  end (): void {
    const sendClose = this.#sendClose
    this.cancel()
    sendClose?.()
  }

  /** The connection has ended. */
  cancel (): void {
    clearTimeout(this.#timer)
    this.#sendClose = undefined
  }
}
