import type { Entry, Handshake } from '../core/handshake.ts'
import type { ConnectionReceiver } from '../core/transport.ts'
import type { WebSocketServer } from '../core/websocket-server.ts'
import { GodotError } from '../error.ts'
import { checkUpgrade, upgradeAnswer } from '../protocol/handshake.ts'
import { MAX_REQUEST_HEAD, parseRequestHead } from '../protocol/request-head.ts'
import type { RequestHead } from '../protocol/request-head.ts'
import { refusalAnswer } from './refusal.ts'
import type { SocketConnection } from './socket-connection.ts'

const HEAD_END = '\r\n\r\n'

/** A connection of the own listener on its way to a peer: reads the request and answers it. */
export class Incoming implements ConnectionReceiver {
  readonly #server: WebSocketServer
  readonly #connection: SocketConnection
  readonly #handshake: Handshake
  /** What came so far of the request, a character a byte. */
  #text = ''
  #isAnswered = false

  constructor (server: WebSocketServer, connection: SocketConnection) {
    this.#server = server
    this.#connection = connection
    this.#handshake = server.handshake(() => { connection.destroy() })
  }

  /** Starts to read; throws what the client is refused with, whatever it may ask. */
  begin (): void {
    this.#handshake.begin()
    this.#connection.open(this)
    this.#handshake.arrive(this.#connection.address)
  }

  onData (bytes: Uint8Array, length: number): void {
    // What comes after a refusal is thrown away.
    if (this.#isAnswered) return
    const known = this.#text.length
    this.#text += Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(length, MAX_REQUEST_HEAD - known)).toString('latin1')
    const end = this.#text.indexOf(HEAD_END, Math.max(0, known - HEAD_END.length))
    if (end >= 0) this.#answer(this.#text.slice(0, end), bytes.subarray(end + HEAD_END.length - known, length))
    else if (this.#text.length >= MAX_REQUEST_HEAD) this.refuse(new GodotError('bad-handshake', `the head of the request is over ${MAX_REQUEST_HEAD} bytes`))
  }

  onGone (): void {
    this.#handshake.end()
  }

  /** Answers with the problem. The client may read it to the end, but its time goes on. */
  refuse (error: GodotError): void {
    this.#isAnswered = true
    this.#handshake.refused(error.code)
    this.#connection.write(refusalAnswer(error))
    this.#connection.end()
  }

  #answer (text: string, behind: Uint8Array): void {
    if (behind.length > 0) this.#connection.handOn(behind.slice())
    try {
      const request = parseRequestHead(text)
      const entry = this.#decide(request)
      if (entry instanceof Promise) this.#await(entry, request)
      else this.#accept(entry, request)
    } catch (error) {
      this.refuse(error as GodotError)
    }
  }

  #decide ({ target, headers }: RequestHead): Entry | Promise<Entry> {
    if (headers.upgrade === undefined) throw new GodotError('upgrade-required')
    checkUpgrade(headers)
    const { address, port } = this.#connection
    return this.#handshake.decide({ headers, url: target, host: headers.host, address, port })
  }

  /** Reads nothing while the application thinks. */
  #await (entry: Promise<Entry>, request: RequestHead): void {
    this.#isAnswered = true
    this.#connection.pause()
    entry.then(entry => { this.#accept(entry, request) }, (error: GodotError) => { this.refuse(error) })
  }

  #accept ({ protocol, answerProtocol }: Entry, { headers }: RequestHead): void {
    this.#isAnswered = true
    if (!this.#server.autoPoll) this.#connection.pause()
    this.#server.accept(this.#connection, protocol, upgradeAnswer(headers['sec-websocket-key'], answerProtocol), this.#handshake)
  }
}
