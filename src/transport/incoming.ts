import type { WebSocketServer } from '../core/websocket-server.ts'
import type { ConnectionReceiver } from '../core/transport.ts'
import { GodotError } from '../error.ts'
import { checkUpgrade, chooseProtocol, upgradeAnswer } from '../protocol/handshake.ts'
import { MAX_REQUEST_HEAD, parseRequestHead } from '../protocol/request-head.ts'
import { refusalAnswer } from './refusal.ts'
import type { SocketConnection } from './socket-connection.ts'

const HEAD_END = '\r\n\r\n'

/** A connection of the own listener on its way to a peer: reads the request and answers it. */
export class Incoming implements ConnectionReceiver {
  readonly #server: WebSocketServer
  readonly #connection: SocketConnection
  readonly #finish: () => void
  /** What came so far of the request, a character a byte. */
  #text = ''
  #isAnswered = false

  constructor (server: WebSocketServer, connection: SocketConnection) {
    this.#server = server
    this.#connection = connection
    this.#finish = server.beginHandshake(() => { connection.destroy() })
  }

  /** Starts to read. */
  begin (): void {
    this.#connection.open(this)
  }

  onData (bytes: Uint8Array, length: number): void {
    // What comes after a refusal is thrown away.
    if (this.#isAnswered) return
    const known = this.#text.length
    this.#text += Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(length, MAX_REQUEST_HEAD - known)).toString('latin1')
    const end = this.#text.indexOf(HEAD_END, Math.max(0, known - HEAD_END.length))
    if (end >= 0) this.#answer(this.#text.slice(0, end), bytes.subarray(end + HEAD_END.length - known, length))
    else if (this.#text.length >= MAX_REQUEST_HEAD) this.#refuse(new GodotError('bad-handshake', `the head of the request is over ${MAX_REQUEST_HEAD} bytes`))
  }

  onGone (): void {
    this.#finish()
  }

  #answer (text: string, behind: Uint8Array): void {
    try {
      const { headers } = parseRequestHead(text)
      if (headers.upgrade === undefined) throw new GodotError('upgrade-required')
      checkUpgrade(headers)
      this.#server.checkJoin()
      const protocol = chooseProtocol(this.#server.protocols, headers['sec-websocket-protocol'])
      this.#accept(protocol, upgradeAnswer(headers['sec-websocket-key'], protocol), behind)
    } catch (error) {
      this.#refuse(error as GodotError)
    }
  }

  #accept (protocol: string, answer: Buffer, behind: Uint8Array): void {
    this.#isAnswered = true
    this.#finish()
    if (behind.length > 0) this.#connection.handOn(behind.slice())
    if (!this.#server.autoPoll) this.#connection.pause()
    this.#server.accept(this.#connection, protocol, answer)
  }

  /** Answers with the problem. The client may read it to the end, but the time of the handshake goes on. */
  #refuse (error: GodotError): void {
    this.#isAnswered = true
    this.#connection.write(refusalAnswer(error))
    this.#connection.end()
  }
}
