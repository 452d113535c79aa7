import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Test } from 'tap'
import { opcode } from '../../../src/protocol/websocket/frame.ts'
import { Godot4Client } from './godot4-client.ts'
import { closePayload, frame, frameSize, parseFrame } from '../sockets/raw-frame.ts'
import type { Frame } from '../sockets/raw-frame.ts'
import { until } from '../until.ts'

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const HEAD_END = '\r\n\r\n'
const MAX_HEAD = 4096
const MIN_LINES = 4
/** A frame of the game, in which it polls; a real one takes 16 ms. */
const FRAME_MILLISECONDS = 4
/** Seconds to wait for the response; longer than the 3 s of a real client, as test machines are busy. */
const HANDSHAKE_TIMEOUT = 60

const keyOf = (request: string): string => /^Sec-WebSocket-Key: (.*)\r$/m.exec(request)![1]

/** The upgrade request of a Godot 4 client; `protocols` are its supported_protocols. */
export function upgradeRequestOf (path: string, port: number, protocols: readonly string[] = []): string {
  const key = randomBytes(16).toString('base64')
  const lines = [
    `GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, 'Upgrade: websocket', 'Connection: Upgrade',
    `Sec-WebSocket-Key: ${key}`, 'Sec-WebSocket-Version: 13'
  ]
  if (protocols.length > 0) lines.push(`Sec-WebSocket-Protocol: ${protocols.join(',')}`)
  return [...lines, '', ''].join('\r\n')
}

/** The Sec-WebSocket-Accept value for a request. */
export function acceptKeyOf (request: string): string {
  return createHash('sha1').update(keyOf(request) + GUID).digest('base64')
}

/** The headers of a response, with lower-case names. */
export function headersOf (answer: string): Map<string, string> {
  return new Map(answer.trimEnd().split('\r\n').slice(1).map(line => {
    const at = line.indexOf(':')
    return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()]
  }))
}

/** Why a Godot 4 client rejects a response to its request; undefined if it accepts it. */
export function responseFault (answer: string, request: string): string | undefined {
  const [, status] = /^HTTP\/1\.1 (\d+) /.exec(answer) ?? []
  const headers = headersOf(answer)
  if (status !== '101') return `status ${status}`
  if (answer.length > MAX_HEAD || headers.size + 1 < MIN_LINES) return 'size of the response head'
  for (const [name, value] of headers) if (value === '') return `${name} without a value`
  if (headers.get('connection')?.toLowerCase() !== 'upgrade' || headers.get('upgrade')?.toLowerCase() !== 'websocket') {
    return 'Connection or Upgrade'
  }
  if (headers.get('sec-websocket-accept') !== acceptKeyOf(request)) return 'Sec-WebSocket-Accept'
  return protocolFault(
    headers.get('sec-websocket-protocol'), /^Sec-WebSocket-Protocol: (.*)\r$/m.exec(request)?.[1].split(',')
  )
}

function protocolFault (chosen: string | undefined, offered: readonly string[] | undefined): string | undefined {
  const isValid = offered === undefined ? chosen === undefined : chosen !== undefined && offered.includes(chosen)
  return isValid ? undefined : `subprotocol ${chosen}`
}

/** Sends a request; returns the response head and the bytes after it. */
export async function sendUpgradeRequest (
  t: Test, port: number, request: string, seconds = HANDSHAKE_TIMEOUT
): Promise<{ socket: Socket, answer: string, rest: Buffer }> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  t.teardown(() => socket.destroy())
  socket.on('error', () => {})
  socket.write(request)
  let bytes = Buffer.alloc(0)
  const signal = AbortSignal.timeout(seconds * 1000)
  while (!bytes.includes(HEAD_END)) bytes = Buffer.concat([bytes, (await once(socket, 'data', { signal }))[0]])
  const end = bytes.indexOf(HEAD_END) + HEAD_END.length
  return { socket, answer: bytes.toString('latin1', 0, end), rest: bytes.subarray(end) }
}

/** A Godot 4 client with a socket. */
export class Godot4Socket {
  readonly game: Godot4Client
  readonly #socket: Socket
  /** Bytes that wait for the next poll, and of an incomplete frame. */
  #unread: Buffer = Buffer.alloc(0)
  /** Fragments of an incomplete message. */
  #fragments: Frame[] = []
  /** Messages read in this poll. */
  #packets: Buffer[] = []
  #isOpen = true
  readonly #timer: NodeJS.Timeout

  private constructor (socket: Socket, rest: Buffer, prepare: (game: Godot4Client) => void) {
    this.#socket = socket
    this.game = new Godot4Client({
      send: message => { this.#send(opcode.BINARY, message) },
      close: code => { this.#close(code) }
    })
    prepare(this.game)
    this.#unread = rest
    this.#poll()
    this.#timer = setInterval(() => { this.#poll() }, FRAME_MILLISECONDS)
    socket.on('data', chunk => { this.#unread = Buffer.concat([this.#unread, chunk]) }).on('close', () => {
      clearInterval(this.#timer)
      this.game.connectionLost()
    })
  }

  /** Connects as Godot does; throws if Godot would reject the response. */
  static async connect (
    t: Test,
    port: number,
    path: string,
    protocols: readonly string[] = [],
    prepare: (game: Godot4Client) => void = () => {},
    seconds?: number
  ): Promise<Godot4Socket> {
    const request = upgradeRequestOf(path, port, protocols)
    const { socket, answer, rest } = await sendUpgradeRequest(t, port, request, seconds)
    const fault = responseFault(answer, request)
    if (fault === undefined) return new Godot4Socket(socket, rest, prepare)
    socket.destroy()
    throw new Error(fault)
  }

  leave (): void {
    this.#socket.destroy()
  }

  /** Resolves with the first event `signal`, optionally with this first argument. */
  async event (signal: string, value?: unknown): Promise<unknown[]> {
    let event: unknown[] | undefined
    await until(() => {
      event = this.game.events.find(([what, first]) => what === signal && (value === undefined || first === value))
      return event !== undefined
    })
    return event!
  }

  /** One poll of a WebSocketMultiplayerPeer: packets are fetched only if the connection is open after it. */
  #poll (): void {
    for (let size = frameSize(this.#unread); size !== undefined &&
      !this.game.isClosed; size = frameSize(this.#unread)) {
      const one = parseFrame(this.#unread.subarray(0, size))
      this.#unread = this.#unread.subarray(size)
      this.#takeFrame(one)
    }
    const packets = this.#packets
    this.#packets = []
    if (this.#isOpen) for (const packet of packets) this.game.receive(packet)
  }

  #takeFrame (one: Frame): void {
    if (one.masked) return this.#fail(1002)
    if (one.opcode === opcode.PING) return this.#send(opcode.PONG, one.payload)
    if (one.opcode === opcode.CLOSE) return this.#closed(one.payload)
    this.#fragments.push(one)
    if (one.fin) this.#takeMessage(this.#fragments.splice(0))
  }

  #takeMessage (fragments: Frame[]): void {
    const message = Buffer.concat(fragments.map(({ payload }) => payload))
    if (fragments[0].opcode === opcode.TEXT && !isText(message)) return this.#fail(1007)
    this.#packets.push(message)
  }

  #closed (payload: Buffer): void {
    this.#isOpen = false
    this.#send(opcode.CLOSE, payload)
    this.#socket.end()
    this.game.connectionLost()
  }

  #fail (code: number): void {
    this.#close(code)
    this.game.connectionLost()
  }

  /** Sends a close frame and waits for the answer. */
  #close (code: number): void {
    this.#send(opcode.CLOSE, closePayload(code))
    if (code !== 1000) this.#socket.end()
  }

  #send (code: number, payload: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(frame(code, payload))
  }
}

function isText (bytes: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return true
  } catch {
    return false
  }
}
