import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import type { Test } from 'tap'
import { frame, frameSize, parseFrame, type Frame, type FrameBits } from './raw-frame.ts'
import { withTimeout } from '../with-timeout.ts'

export { closePayload, frame } from './raw-frame.ts'

/** The head of an HTTP response: status, and headers by lower-case name. */
export interface ResponseHead { status: number, headers: Record<string, string> }

/** An upgrade request; `headers` replace or extend the defaults, undefined removes a header. */
export function upgradeRequest (path: string, headers: Record<string, string | undefined> = {}): string {
  const all: Record<string, string | undefined> = {
    Host: '127.0.0.1',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': '13',
    ...headers
  }
  const lines = Object.entries(all).filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}`)
  return [`GET ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n')
}

/** Opens a TCP connection; the test closes it. */
export async function connectRaw (t: Test, port: number, host = '127.0.0.1'): Promise<RawSocket> {
  const socket = connectTcp({ port, host, allowHalfOpen: true, noDelay: true })
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return new RawSocket(socket)
}

/** Opens a TLS connection; rejects if the server's certificate is invalid. */
export async function connectRawTls (t: Test, port: number, options: ConnectionOptions): Promise<RawSocket> {
  const socket = connectTls({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    allowHalfOpen: true,
    ...options
  } as ConnectionOptions)
  t.teardown(() => socket.destroy())
  await once(socket, 'secureConnect')
  return new RawSocket(socket)
}

/** Opens a TCP connection and performs the WebSocket handshake. */
export async function connectRawWebSocket (t: Test, port: number, path = '/ws', headers = {}): Promise<RawSocket> {
  const raw = await connectRaw(t, port)
  raw.send(upgradeRequest(path, headers))
  const { status } = await raw.head()
  if (status !== 101) throw new Error(`handshake refused with ${status}`)
  return raw
}

/** A client that can send arbitrary bytes and reads responses and frames. */
export class RawSocket {
  readonly socket: Socket
  /** Resolves when the server closes the connection: 'end' for a TCP FIN, 'reset' for a reset. */
  readonly ended: Promise<'end' | 'reset'>
  #unread = Buffer.alloc(0)
  #isClosed = false
  #changed = () => {}

  constructor (socket: Socket) {
    this.socket = socket
    this.ended = new Promise(resolve => {
      socket.once('end', () => resolve('end')).once('error', () => resolve('reset'))
    })
    socket.on('data', chunk => {
      this.#unread = Buffer.concat([this.#unread, chunk])
      this.#changed()
    })
    this.ended.then(() => {
      this.#isClosed = true
      this.#changed()
    })
  }

  /** Writes bytes or text. */
  send (bytes: Uint8Array | string): void {
    this.socket.write(bytes)
  }

  /** Writes one frame. */
  sendFrame (opcode: number, payload: Uint8Array | string = '', bits: FrameBits = {}): void {
    this.send(frame(opcode, payload, bits))
  }

  /** Reads the head of an HTTP response. */
  async head (): Promise<ResponseHead> {
    const bytes = await this.#take('an HTTP head', unread => {
      const end = unread.indexOf('\r\n\r\n')
      return end < 0 ? undefined : end + 4
    })
    const [line, ...rest] = bytes.toString('latin1').trimEnd().split('\r\n')
    const headers = Object.fromEntries(rest.map(header => {
      const colon = header.indexOf(':')
      return [header.slice(0, colon).toLowerCase(), header.slice(colon + 1).trim()]
    }))
    return { status: Number(line.split(' ')[1]), headers }
  }

  /** Reads an HTTP response with its body, by its content-length. */
  async response (): Promise<ResponseHead & { body: string }> {
    const head = await this.head()
    const length = Number(head.headers['content-length'] ?? 0)
    const body = await this.#take('an HTTP body', unread => unread.length < length ? undefined : length)
    return { ...head, body: body.toString() }
  }

  /** Reads the next frame. */
  async frame (): Promise<Frame> {
    return parseFrame(await this.#take('a frame', frameSize))
  }

  /** Reads a close frame: code (0 if empty) and reason. */
  async close (): Promise<{ code: number, reason: string }> {
    const { opcode, payload } = await this.frame()
    if (opcode !== 8) throw new Error(`expected a close frame, got opcode ${opcode}`)
    return { code: payload.length < 2 ? 0 : payload.readUInt16BE(0), reason: payload.subarray(2).toString() }
  }

  /** Waits until the server closes the connection; returns how. */
  async end (): Promise<'end' | 'reset'> {
    return await withTimeout(() => 'the end of the connection', this.ended)
  }

  /** Received bytes that were not read yet. */
  get unread (): Buffer {
    return this.#unread
  }

  /** Takes the first bytes when `size` returns their number. */
  async #take (awaited: string, size: (unread: Buffer) => number | undefined): Promise<Buffer> {
    let length = size(this.#unread)
    while (length === undefined) {
      if (this.#isClosed) {
        throw new Error(`the connection ended before ${awaited}; unread: ${this.#unread.toString('hex')}`)
      }
      await withTimeout(() => awaited, new Promise<void>(resolve => { this.#changed = resolve }))
      length = size(this.#unread)
    }
    const bytes = this.#unread.subarray(0, length)
    this.#unread = this.#unread.subarray(length)
    return bytes
  }
}
