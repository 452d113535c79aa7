import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { closePayload } from '../../src/protocol/websocket/frame.ts'
import { opcode } from '../../src/protocol/websocket/frame.ts'
import { frame, frameSize, parseFrame } from '../../test/helper/sockets/raw-frame.ts'
import type { Job } from './job.ts'
import { wires } from './wire.ts'
import type { Wire } from './wire.ts'

/** Read buffer of all sockets: each chunk is processed before the next one is read. */
const chunk = Buffer.allocUnsafeSlow(1 << 18)

const closeFrame = frame(8, closePayload(1000, ''))

/** Receives bytes[0..length) of a client that has joined; the buffer is reused afterwards. */
export type Reader = (bytes: Buffer, length: number) => void

/** Server and upgrade request of clients. */
export interface Endpoint {
  readonly wire: Wire
  readonly port: number
  readonly secure: boolean
  readonly request: string
}

/** The endpoint of a job's server with this path. */
export function endpointOf ({ wire, port, secure = false }: Job, path: string): Endpoint {
  const headers = {
    Host: `127.0.0.1:${port}`,
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': 13
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return { wire: wires[wire], port, secure, request: `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n` }
}

/** A raw socket that performs a WebSocket handshake; afterwards a reader handles its bytes. */
export class Client {
  readonly index: number
  /** Assigned by the server, if the wire has ids. */
  id = 0
  /** Members of its room that it has heard of, if the wire announces them. */
  announced = 0
  reader: Reader | undefined
  readonly socket: Socket
  readonly #wire: Wire
  readonly #onJoined: (client: Client) => void
  #rest: Buffer = Buffer.alloc(0)
  #isUpgraded = false

  constructor ({ wire, port, secure, request }: Endpoint, index: number, onJoined: (client: Client) => void) {
    this.index = index
    this.#wire = wire
    this.#onJoined = onJoined
    const options = {
      host: '127.0.0.1',
      port,
      // One address has ports for only 28,000 clients, including recently closed ones.
      localAddress: `127.0.0.${2 + index % 16}`,
      noDelay: true,
      onread: { buffer: chunk, callback: (length: number) => this.#read(length) }
    }
    this.socket = secure ? connectTls({ ...options, rejectUnauthorized: false }) : connect(options)
    this.socket.on('error', () => {})
    this.socket.write(request)
  }

  write (bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  /** Sends a close frame; the server then closes the connection. */
  close (): void {
    this.socket.write(closeFrame)
  }

  #read (length: number): boolean {
    if (this.reader === undefined) this.#join(length)
    else this.reader(chunk, length)
    return true
  }

  /**
   * Until there is a reader, frames are parsed one by one: the message with the id, and announcements of other clients.
   */
  #join (length: number): void {
    const bytes = Buffer.concat([this.#rest, chunk.subarray(0, length)])
    const start = this.#isUpgraded ? 0 : this.#readResponse(bytes)
    this.#rest = this.#isUpgraded ? this.#readFrames(bytes.subarray(start)) : bytes
  }

  /** Returns the offset of the first frame. */
  #readResponse (bytes: Buffer): number {
    const end = bytes.indexOf('\r\n\r\n')
    if (end < 0) return 0
    if (bytes.toString('latin1', 9, 12) !== '101') throw new Error(`handshake refused: ${bytes}`)
    this.#isUpgraded = true
    const { firstMessage, readId } = this.#wire
    if (firstMessage !== undefined) this.write(frame(opcode.TEXT, firstMessage))
    if (readId === undefined) this.#onJoined(this)
    return end + 4
  }

  /** Returns the remaining bytes. */
  #readFrames (bytes: Buffer): Buffer {
    for (let size = frameSize(bytes); size !== undefined; size = frameSize(bytes)) {
      this.#readMessage(parseFrame(bytes.subarray(0, size)).payload)
      bytes = bytes.subarray(size)
    }
    return bytes
  }

  #readMessage (payload: Buffer): void {
    const { readId, isAnnouncement, opcode: code, answer } = this.#wire
    if (isAnnouncement?.(payload)) this.announced++
    const id = readId?.(payload)
    if (id === undefined) return
    this.id = id
    if (answer !== undefined) this.write(frame(code, answer))
    this.#onJoined(this)
  }
}
