import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { closePayload } from '../../src/protocol/frame.ts'
import { frame, frameSize, parseFrame } from '../../test/helper/raw-frame.ts'
import type { Job } from './job.ts'
import { wires } from './wire.ts'
import type { Wire } from './wire.ts'

/** All sockets read into it: a chunk is handled before the next one comes. */
const chunk = Buffer.allocUnsafeSlow(1 << 18)

const closeFrame = frame(8, closePayload(1000, ''))

/** Takes the bytes of a client that is in: bytes[0..length), the caller's again afterwards. */
export type Reader = (bytes: Buffer, length: number) => void

/** A raw socket that asks for a WebSocket, and from then on leaves its bytes to a reader. */
export class Client {
  readonly index: number
  /** Given by the server, where the wire knows ids. */
  id = 0
  reader: Reader | undefined
  readonly socket: Socket
  readonly #job: Job
  readonly #wire: Wire
  readonly #onJoined: (client: Client) => void
  #rest: Buffer = Buffer.alloc(0)
  #isUpgraded = false

  constructor (job: Job, index: number, onJoined: (client: Client) => void) {
    this.index = index
    this.#job = job
    this.#wire = wires[job.wire]
    this.#onJoined = onJoined
    this.socket = connect({
      host: '127.0.0.1',
      port: job.port,
      // One address has ports for 28,000 clients only, those that left not long ago counted.
      localAddress: `127.0.0.${2 + index % 16}`,
      noDelay: true,
      onread: { buffer: chunk, callback: length => this.#read(length) }
    })
    this.socket.on('error', () => {})
    this.socket.write(requestOf(job))
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
    this.#rest = Buffer.concat([this.#rest, chunk.subarray(0, length)])
    if (!this.#isUpgraded) this.#readAnswer()
    while (this.#isUpgraded) {
      const size = frameSize(this.#rest)
      if (size === undefined) return
      this.#readGreeting(parseFrame(this.#rest.subarray(0, size)).payload)
      this.#rest = this.#rest.subarray(size)
    }
  }

  #readAnswer (): void {
    const end = this.#rest.indexOf('\r\n\r\n')
    if (end < 0) return
    if (!this.#rest.toString('latin1', 0, 12).endsWith('101')) throw new Error(`refused: ${this.#rest}`)
    this.#rest = this.#rest.subarray(end + 4)
    this.#isUpgraded = true
    const { hello, opcode, readWelcome } = this.#wire
    if (hello !== undefined) this.write(frame(opcode, hello))
    if (readWelcome === undefined) this.#onJoined(this)
  }

  #readGreeting (payload: Buffer): void {
    const id = this.#wire.readWelcome?.(payload)
    if (id === undefined) return
    this.id = id
    this.#onJoined(this)
  }
}

function requestOf ({ path, port }: Job): string {
  const headers = {
    Host: `127.0.0.1:${port}`,
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': 13
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}
