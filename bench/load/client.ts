import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { closePayload } from '../../src/protocol/websocket/frame.ts'
import { frame, frameSize, parseFrame } from '../../test/helper/raw-frame.ts'
import type { Job } from './job.ts'
import { wires } from './wire.ts'
import type { Wire } from './wire.ts'

/** All sockets read into it: a chunk is handled before the next one comes. */
const chunk = Buffer.allocUnsafeSlow(1 << 18)

const closeFrame = frame(8, closePayload(1000, ''))

/** Takes the bytes of a client that is in: bytes[0..length), the caller's again afterwards. */
export type Reader = (bytes: Buffer, length: number) => void

/** Where clients come in, and what they say there. */
export interface Endpoint { readonly wire: Wire, readonly port: number, readonly request: string }

/** The door of a job's server. */
export function endpointOf ({ wire, port, path }: Job): Endpoint {
  const headers = {
    Host: `127.0.0.1:${port}`,
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': 13
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return { wire: wires[wire], port, request: `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n` }
}

/** A raw socket that asks for a WebSocket, and from then on leaves its bytes to a reader. */
export class Client {
  readonly index: number
  /** Given by the server, where the wire knows ids. */
  id = 0
  reader: Reader | undefined
  readonly socket: Socket
  readonly #wire: Wire
  readonly #onJoined: (client: Client) => void
  #rest: Buffer = Buffer.alloc(0)
  #isUpgraded = false

  constructor ({ wire, port, request }: Endpoint, index: number, onJoined: (client: Client) => void) {
    this.index = index
    this.#wire = wire
    this.#onJoined = onJoined
    this.socket = connect({
      host: '127.0.0.1',
      port,
      // One address has ports for 28,000 clients only, those that left not long ago counted.
      localAddress: `127.0.0.${2 + index % 16}`,
      noDelay: true,
      onread: { buffer: chunk, callback: length => this.#read(length) }
    })
    this.socket.on('error', () => {})
    this.socket.write(request)
  }

  write (bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  /** Says goodbye; the server ends the connection. */
  close (): void {
    this.socket.write(closeFrame)
  }

  #read (length: number): boolean {
    if (this.reader === undefined) this.#join(length)
    else this.reader(chunk, length)
    return true
  }

  /** Until somebody reads, frames are looked at one by one: the wire's welcome, and what the server tells about others. */
  #join (length: number): void {
    const bytes = Buffer.concat([this.#rest, chunk.subarray(0, length)])
    const start = this.#isUpgraded ? 0 : this.#readAnswer(bytes)
    this.#rest = this.#isUpgraded ? this.#readGreetings(bytes.subarray(start)) : bytes
  }

  /** Returns where frames begin. */
  #readAnswer (bytes: Buffer): number {
    const end = bytes.indexOf('\r\n\r\n')
    if (end < 0) return 0
    if (bytes.toString('latin1', 9, 12) !== '101') throw new Error(`refused: ${bytes}`)
    this.#isUpgraded = true
    const { firstMessage, opcode, readId } = this.#wire
    if (firstMessage !== undefined) this.write(frame(opcode, firstMessage))
    if (readId === undefined) this.#onJoined(this)
    return end + 4
  }

  /** Returns what is left of them. */
  #readGreetings (bytes: Buffer): Buffer {
    for (let size = frameSize(bytes); size !== undefined; size = frameSize(bytes)) {
      this.#readGreeting(parseFrame(bytes.subarray(0, size)).payload)
      bytes = bytes.subarray(size)
    }
    return bytes
  }

  #readGreeting (payload: Buffer): void {
    const id = this.#wire.readId?.(payload)
    if (id === undefined) return
    this.id = id
    this.#onJoined(this)
  }
}
