import * as ws from 'ws'
import type { FrameReceiver } from '../../../src/protocol/websocket/frame-reader.ts'

/**
 * The part of the undeclared `Receiver` class of ws that tests use: a Writable whose `_write` may be called directly.
 */
interface Receiver {
  on (event: 'message', listener: (data: Buffer, isBinary: boolean) => void): this
  on (event: 'ping', listener: (data: Buffer) => void): this
  on (event: 'conclude', listener: (code: number, reason: Buffer) => void): this
  _write (chunk: Buffer, encoding: string, done: (error?: Error) => void): void
}

const { Receiver } = ws as unknown as { Receiver: new (options: object) => Receiver }

/** Adapts the `Receiver` of ws to the interface of FrameReader. */
export class WsReader {
  readonly #receiver: Receiver
  readonly #frameReceiver: FrameReceiver
  #isClosed = false

  constructor (frameReceiver: FrameReceiver, maxPayload: number) {
    this.#frameReceiver = frameReceiver
    this.#receiver = new Receiver({ isServer: true, maxPayload })
      .on('message', (data, isBinary) => frameReceiver.onMessage(data, 0, data.length, !isBinary))
      .on('ping', data => frameReceiver.onPing(data, 0, data.length))
      .on('conclude', (code, reason) => {
        this.#isClosed = true
        frameReceiver.onClose(code, reason.toString(), reason)
      })
  }

  /** Reads a chunk synchronously and overwrites it. */
  read (chunk: Buffer): void {
    if (this.#isClosed) return
    this.#receiver._write(chunk, 'buffer', error => {
      if (error === undefined || error === null) return
      this.#isClosed = true
      this.#frameReceiver.onViolation(statusCode(error), error.message)
    })
  }
}

/** The close code, which ws stores in its errors under a private symbol. */
function statusCode (error: Error): number {
  const symbol = Object.getOwnPropertySymbols(error).find(symbol => symbol.description === 'status-code')
  return (error as unknown as Record<symbol, number>)[symbol!]
}
