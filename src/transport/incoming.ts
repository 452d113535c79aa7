import type { Deadlined, Deadlines } from '../core/admission/deadlines.ts'
import type { Acceptance, Handshake } from '../core/admission/handshake.ts'
import type { ConnectionReceiver } from '../core/peer/transport.ts'
import type { PeerRegistry } from '../core/server/peer-registry.ts'
import { GodotError } from '../error.ts'
import { checkUpgrade, upgradeAnswer } from '../protocol/websocket/handshake.ts'
import { MAX_REQUEST_HEAD, parseRequestHead } from '../protocol/websocket/request-head.ts'
import type { RequestHead } from '../protocol/websocket/request-head.ts'
import { refusalAnswer } from './refusal.ts'
import type { SocketConnection } from './socket-connection.ts'

const HEAD_END = '\r\n\r\n'
/** Clients at most that may take their time to read why they were refused. */
const MAX_LEAVING = 1024

/** A connection of the own listener on its way to a peer: reads the request and answers it. */
export class Incoming implements ConnectionReceiver, Deadlined {
  readonly #registry: PeerRegistry
  readonly #connection: SocketConnection
  readonly #leaving: Deadlines
  readonly #handshake: Handshake
  /** What came so far of the request, a character a byte. */
  #text = ''
  #isAnswered = false

  /** `leaving`: where it is while its client may still read why it is refused. */
  constructor (registry: PeerRegistry, connection: SocketConnection, leaving: Deadlines) {
    this.#registry = registry
    this.#connection = connection
    this.#leaving = leaving
    this.#handshake = registry.handshake(error => { this.#turnAway(error) })
  }

  /** Starts to read. */
  begin (): void {
    this.#connection.open(this)
    try {
      this.#handshake.begin()
      this.#handshake.arrive(this.#connection.address)
    } catch (error) {
      this.#refuse(error as GodotError)
    }
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
    this.#handshake.end()
    this.#leaving.delete(this)
  }

  /** It has had the time to read why. */
  expire (): void {
    this.cut()
  }

  cut (): void {
    this.#connection.destroy()
  }

  #answer (text: string, behind: Uint8Array): void {
    if (behind.length > 0) this.#connection.handOn(behind.slice())
    try {
      const request = parseRequestHead(text)
      const entry = this.#decide(request)
      if (entry instanceof Promise) this.#await(entry, request)
      else this.#accept(entry, request)
    } catch (error) {
      this.#refuse(error as GodotError)
    }
  }

  #decide ({ target, headers }: RequestHead): Acceptance | Promise<Acceptance> {
    if (headers.upgrade === undefined) throw new GodotError('upgrade-required')
    checkUpgrade(headers)
    const { address, port } = this.#connection
    return this.#handshake.decide({ headers, url: target, host: headers.host, address, port })
  }

  /** Reads nothing while the application thinks. */
  #await (entry: Promise<Acceptance>, request: RequestHead): void {
    this.#connection.pause()
    entry.then(entry => { this.#accept(entry, request) }, (error: GodotError) => { this.#refuse(error) })
  }

  #accept ({ protocol, answerProtocol, extensions }: Acceptance, { headers }: RequestHead): void {
    this.#isAnswered = true
    if (!this.#registry.autoPoll) this.#connection.pause()
    this.#registry.accept(this.#connection, protocol, upgradeAnswer(headers['sec-websocket-key'], answerProtocol, extensions), this.#handshake)
  }

  /** Answers with the problem, and gives the client a moment to read it. */
  #refuse (error: GodotError): void {
    if (this.#isAnswered) return
    this.#handshake.end(error)
    this.#isAnswered = true
    this.#connection.write(refusalAnswer(error))
    if (this.#leaving.size >= MAX_LEAVING) return this.#connection.destroy()
    this.#leaving.add(this)
    this.#connection.end()
  }

  /** Out of time: whoever has asked for something is answered all the same. */
  #turnAway (error: GodotError): void {
    if (this.#text !== '') this.#connection.write(refusalAnswer(error))
    this.#isAnswered = true
    this.#connection.destroy()
  }
}
