import type { Test } from 'tap'
import { opcode } from '../../src/protocol/frame.ts'
import { Godot4Client } from './godot4-client.ts'
import { frameSize, parseFrame } from './raw-frame.ts'
import type { Frame } from './raw-frame.ts'
import { closePayload, connectRaw, frame } from './raw-socket.ts'
import type { Head, RawSocket } from './raw-socket.ts'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

/** What a Godot 4 client asks for; `protocols` are its supported_protocols. */
export function requestOf (path: string, port: number, protocols: readonly string[] = []): string {
  const lines = [`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, 'Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Key: ${KEY}`, 'Sec-WebSocket-Version: 13']
  if (protocols.length > 0) lines.push(`Sec-WebSocket-Protocol: ${protocols.join(',')}`)
  return [...lines, '', ''].join('\r\n')
}

/** Why a Godot 4 client does not take an answer to its handshake; undefined when it does. */
export function faultOf ({ status, headers }: Head, protocols: readonly string[] = []): string | undefined {
  if (status !== 101) return `status ${status}`
  const empty = Object.keys(headers).find(name => headers[name] === '')
  if (empty !== undefined) return `${empty} without a value`
  if (headers.connection?.toLowerCase() !== 'upgrade' || headers.upgrade?.toLowerCase() !== 'websocket') return 'Connection or Upgrade'
  if (headers['sec-websocket-accept'] !== ACCEPT) return 'Sec-WebSocket-Accept'
  const chosen = headers['sec-websocket-protocol']
  if (protocols.length === 0 ? chosen !== undefined : !protocols.includes(chosen)) return `sub-protocol ${chosen}`
  return undefined
}

/** A Godot 4 client on a connection of its own. */
export class Godot4Socket {
  readonly game: Godot4Client
  readonly #raw: RawSocket
  #unread = Buffer.alloc(0)

  private constructor (raw: RawSocket, prepare: (game: Godot4Client) => void) {
    this.#raw = raw
    this.game = new Godot4Client({ send: message => { raw.send(frame(opcode.BINARY, message)) }, close: code => { raw.send(frame(opcode.CLOSE, closePayload(code))) } })
    prepare(this.game)
    this.#read(raw.unread)
    raw.socket.on('data', chunk => { this.#read(chunk) }).on('close', () => { this.game.lost() })
  }

  /** Connects as Godot does; throws what it would not take of the answer. */
  static async connect (t: Test, port: number, path: string, protocols: readonly string[] = [], prepare: (game: Godot4Client) => void = () => {}): Promise<Godot4Socket> {
    const raw = await connectRaw(t, port)
    raw.send(requestOf(path, port, protocols))
    const fault = faultOf(await raw.head(), protocols)
    if (fault !== undefined) throw new Error(fault)
    return new Godot4Socket(raw, prepare)
  }

  leave (): void {
    this.#raw.socket.destroy()
  }

  /** Resolves once the game was told `signal` with this value. */
  async told (signal: string, value?: unknown): Promise<unknown[]> {
    for (;;) {
      const event = this.game.events.find(([what, first]) => what === signal && (value === undefined || first === value))
      if (event !== undefined) return event
      await new Promise(resolve => setTimeout(resolve, 2))
    }
  }

  #read (bytes: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, bytes])
    for (let size = frameSize(this.#unread); size !== undefined; size = frameSize(this.#unread)) {
      this.#take(parseFrame(this.#unread.subarray(0, size)))
      this.#unread = this.#unread.subarray(size)
    }
  }

  #take ({ opcode: code, payload, masked }: Frame): void {
    if (masked) throw new Error('a masked frame')
    if (code === opcode.PING) this.#raw.send(frame(opcode.PONG, payload))
    else if (code === opcode.CLOSE) this.#closed(payload)
    else this.game.receive(payload)
  }

  #closed (payload: Buffer): void {
    this.#raw.send(frame(opcode.CLOSE, payload))
    this.game.lost()
  }
}
