import * as ws from 'ws'
import type { FrameReceiver } from '../../src/protocol/websocket/frame-reader.ts'

/**
 * What this test needs of the `Receiver` of ws, which its types leave out: a Writable whose `_write` may be called at
 * once.
 */
interface Receiver {
  on (event: 'message', listener: (data: Buffer, isBinary: boolean) => void): this
  on (event: 'ping', listener: (data: Buffer) => void): this
  on (event: 'conclude', listener: (code: number, reason: Buffer) => void): this
  _write (chunk: Buffer, encoding: string, done: (error?: Error) => void): void
}

const { Receiver } = ws as unknown as { Receiver: new (options: object) => Receiver }

/** The `Receiver` of ws in the shape of our FrameReader. */
export class WsReader {
  readonly #receiver: Receiver
  readonly #told: FrameReceiver
  #isOver = false

  constructor (told: FrameReceiver, maxPayload: number) {
    this.#told = told
    this.#receiver = new Receiver({ isServer: true, maxPayload })
      .on('message', (data, isBinary) => told.onMessage(data, 0, data.length, !isBinary))
      .on('ping', data => told.onPing(data, 0, data.length))
      .on('conclude', (code, reason) => {
        this.#isOver = true
        told.onClose(code, reason.toString(), reason)
      })
  }

  /** Reads a chunk at once and overwrites it. */
  read (chunk: Buffer): void {
    if (this.#isOver) return
    this.#receiver._write(chunk, 'buffer', error => {
      if (error === undefined || error === null) return
      this.#isOver = true
      this.#told.onViolation(statusCode(error), error.message)
    })
  }
}

/** The close code that ws hangs on its errors under a symbol of its own. */
function statusCode (error: Error): number {
  const symbol = Object.getOwnPropertySymbols(error).find(symbol => symbol.description === 'status-code')
  return (error as unknown as Record<symbol, number>)[symbol!]
}
