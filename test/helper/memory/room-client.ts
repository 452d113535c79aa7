import type { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import { opcode } from '../../../src/protocol/websocket/frame.ts'
import { nextTurn } from './frame-client.ts'
import { HandshakeClient } from '../sockets/handshake-client.ts'
import { header } from './memory-client.ts'
import { closePayload, frame, frameSize, parseFrame } from '../sockets/raw-frame.ts'

const names = ['data', 'add', 'del', 'id']

/** A Godot 3 client without a socket, from its handshake on: describes what it receives in words. */
export class RoomClient {
  readonly #client: HandshakeClient
  #unread = Buffer.alloc(0)
  #isUpgraded = false
  #heardBefore: string[] = []
  id = 0
  /** Code and reason of the close frame. */
  closed: [code: number, reason: string] | undefined

  constructor (server: WebSocketServer, url = '/ws', address = '192.0.2.7') {
    this.#client = new HandshakeClient(server, address).request({ url })
  }

  /** Error code of the refusal. */
  get refusal (): string | undefined {
    return this.#client.refusal
  }

  /** Sends a packet to a target: 0 all, an id, -id all but that one. */
  sendTo (target: number, text: string): void {
    this.sendRaw(Buffer.concat([header(this.id, target), Buffer.from(text)]))
  }

  /** Sends one binary message as it is. */
  sendRaw (message: Uint8Array): void {
    this.#client.connection.deliver(frame(opcode.BINARY, message))
  }

  /** Closes with a close frame, and the connection. */
  leave (): void {
    this.#client.connection.deliver(frame(opcode.CLOSE, closePayload(1000, '')))
    this.disconnect()
  }

  /** Reads nothing until `unstall`. */
  stall (): void {
    this.#client.connection.stall()
  }

  unstall (): void {
    this.#client.connection.unstall()
  }

  /** The connection breaks. */
  disconnect (): void {
    this.#client.connection.disconnect()
  }

  /** What was received since the last call: `id 5`, `add 7`, `del 7`, `7: text`. */
  async heard (): Promise<string[]> {
    await nextTurn()
    this.#unread = Buffer.concat([this.#unread, this.#client.connection.take()])
    if (!this.#isUpgraded) {
      const end = this.#unread.indexOf('\r\n\r\n')
      if (end === -1) return []
      this.#unread = this.#unread.subarray(end + 4)
      this.#isUpgraded = true
    }
    const heard = this.#heardBefore.splice(0)
    let pings = 0
    for (let size = frameSize(this.#unread); size !== undefined; size = frameSize(this.#unread)) {
      const { opcode: code, payload } = parseFrame(this.#unread.subarray(0, size))
      this.#unread = this.#unread.subarray(size)
      if (code === opcode.CLOSE) this.#answerClose(payload)
      else if (code === opcode.PING) {
        this.#client.connection.deliver(frame(opcode.PONG, payload))
        pings++
      } else if (code === opcode.BINARY || code === opcode.TEXT) heard.push(this.#describe(payload))
    }
    return pings === 0 ? heard : [...heard, ...await this.heard()]
  }

  /** The next `heard` begins with these lines. */
  unhear (lines: readonly string[]): void {
    this.#heardBefore.push(...lines)
  }

  #describe (payload: Buffer): string {
    const [type, source] = [payload[0], payload.readInt32LE(1)]
    if (type === 0) return `${source}: ${payload.subarray(9).toString()}`
    const subject = payload.readInt32LE(9)
    if (type === 3) this.id = subject
    return `${names[type]} ${subject}`
  }

  #answerClose (payload: Buffer): void {
    this.closed = [payload.readUInt16BE(0), payload.subarray(2).toString()]
    this.#client.connection.deliver(frame(opcode.CLOSE, payload))
    this.#client.connection.disconnect()
  }
}
