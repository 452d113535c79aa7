import type { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import { opcode } from '../../../src/protocol/websocket/frame.ts'
import { MemoryConnection } from './memory-connection.ts'
import { closePayload, frame, frameSize, parseFrame, type Frame, type FrameBits } from '../sockets/raw-frame.ts'
import { accept } from '../internals.ts'

/** Resolves after an event loop turn, at whose end the server flushes its output. */
export async function nextTurn (): Promise<void> {
  await new Promise(resolve => setImmediate(() => setImmediate(resolve)))
}

/** The ping before a close frame (option lastWords). */
const isLastWords = ({ opcode: code, payload }: Frame): boolean =>
  code === opcode.PING && payload.toString() === 'last words'

/** A client without a socket that sends and receives frames. It answers the ping before a close frame, as all do. */
export class FrameClient {
  readonly connection: MemoryConnection
  #unread = Buffer.alloc(0)

  /** Joins the server, as after a handshake. */
  constructor (server: WebSocketServer, protocol = '', port = 50000) {
    this.connection = new MemoryConnection('127.0.0.1', port)
    accept(server, this.connection, protocol)
  }

  send (code: number, payload: Uint8Array | string = '', bits: FrameBits = {}): void {
    this.connection.deliver(frame(code, payload, bits))
  }

  text (payload: string): void {
    this.send(opcode.TEXT, payload)
  }

  binary (payload: Uint8Array): void {
    this.send(opcode.BINARY, payload)
  }

  close (code: number, reason = ''): void {
    this.send(opcode.CLOSE, closePayload(code, reason))
  }

  /** The frames received since the last call, except a ping before a close frame. */
  async frames (): Promise<Frame[]> {
    const frames = await this.poll()
    const ping = frames.findIndex(isLastWords)
    if (ping === -1) return frames
    this.send(opcode.PONG, frames[ping].payload)
    return [...frames.toSpliced(ping, 1), ...await this.poll()]
  }

  /** Every frame received since the last call. */
  async poll (): Promise<Frame[]> {
    await nextTurn()
    this.#unread = Buffer.concat([this.#unread, this.connection.take()])
    const frames: Frame[] = []
    for (let size = frameSize(this.#unread); size !== undefined; size = frameSize(this.#unread)) {
      frames.push(parseFrame(this.#unread.subarray(0, size)))
      this.#unread = this.#unread.subarray(size)
    }
    return frames
  }

  /** The frames received since the last call, each as `opcode:payload in hex`. */
  async receivedFrames (): Promise<string[]> {
    return (await this.frames()).map(({ opcode, payload }) => `${opcode}:${payload.toString('hex')}`)
  }
}
