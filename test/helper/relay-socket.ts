import { once } from 'node:events'
import type { Test } from 'tap'
import { WebSocket, type ClientOptions } from 'ws'
import { encodeRelayPacket } from '../../src/protocol/multiplayer/relay-packet.ts'
import { withTimeout } from './with-timeout.ts'

const names = ['data', 'add', 'del', 'id']

/** A Godot 3 client with a real socket: tells in words what it receives. */
export class RelaySocket {
  /** What was received: `id 5`, `add 7`, `del 7`, `7: text`, `close 1012`. */
  readonly heard: string[] = []
  id = 0
  readonly #socket: WebSocket
  readonly #waiting = new Set<() => void>()

  private constructor (socket: WebSocket) {
    this.#socket = socket
    socket.on('message', (bytes: Buffer) => { this.#add(this.#describe(bytes)) })
    socket.on('close', code => { this.#add(`close ${code}`) })
  }

  /** Resolves when the client knows the server; rejects when it is refused. The test ends it. */
  static async connect (t: Test, url: string, options: ClientOptions = {}): Promise<RelaySocket> {
    const socket = new WebSocket(url, options)
    t.teardown(() => { socket.terminate() })
    const client = new RelaySocket(socket)
    await withTimeout(10, () => `a handshake at ${url}`, once(socket, 'open'))
    await client.until('add 1')
    return client
  }

  /** Sends a packet to a target: 0 all, an id, -id all but that one. */
  sendTo (target: number, text: string | Uint8Array): void {
    this.#socket.send(encodeRelayPacket(0, this.id, target, Buffer.from(text)))
  }

  /** Resolves once this was heard, perhaps before. */
  async until (line: string | RegExp, seconds = 10): Promise<void> {
    const isLine = (heard: string): boolean => typeof line === 'string' ? heard === line : line.test(heard)
    const found = new Promise<void>(resolve => {
      const look = (): void => {
        if (!this.heard.some(isLine)) return
        this.#waiting.delete(look)
        resolve()
      }
      this.#waiting.add(look)
      look()
    })
    await withTimeout(seconds, () => `${line}, only: ${this.heard.join(', ')}`, found)
  }

  #add (line: string): void {
    this.heard.push(line)
    for (const look of [...this.#waiting]) look()
  }

  #describe (bytes: Buffer): string {
    const [type, source] = [bytes[0], bytes.readInt32LE(1)]
    if (type === 0) return `${source}: ${bytes.subarray(9).toString()}`
    const subject = bytes.readInt32LE(9)
    if (type === 3) this.id = subject
    return `${names[type]} ${subject}`
  }
}
