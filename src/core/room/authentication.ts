import { GodotError } from '../../error.ts'
import type { Authenticate, AuthenticateAnswer } from '../../on-authenticate.ts'
import { closeCode } from '../../protocol/websocket/close-code.ts'
import { opcode } from '../../protocol/websocket/frame.ts'
import { ownBytes } from '../../protocol/own-bytes.ts'
import type { AuthWire } from '../../protocol/multiplayer/relay-wire.ts'
import { Deadlines } from '../admission/deadlines.ts'
import type { Deadlined } from '../admission/deadlines.ts'
import type { Logger } from '../server/logger.ts'
import type { RoomOutbox } from './room-outbox.ts'
import type { PeerSession } from '../peer/peer-session.ts'
import type { WebSocketPeer } from '../peer/websocket-peer.ts'

/** Why a client is not let in: it was turned away, or took too long; the names are those of the limits. */
type AuthFailure = 'auth-refused' | 'auth-timeout'

/** What the authentication asks of its server. */
export interface AuthenticationHost {
  readonly outbox: RoomOutbox
  readonly log: Logger
  /** The peer has proved itself. */
  authenticated (peer: PeerSession): void
  /** The peer is not let in; told once, with no reason when it has gone by itself. */
  notAuthenticated (peer: PeerSession, why: AuthFailure | undefined): void
  /** It sent what it may not send yet. */
  dropped (reason: 'not-admitted', peer: WebSocketPeer): void
  /** Calls `wake` soon, outside of the call under way. */
  soon (wake: () => void): void
}

/** Bytes that say "I am done". */
const DONE = new Uint8Array(0)

/** One client on its way in. Both sides must say that they are done, in either order. */
class Candidate implements Deadlined {
  readonly peer: PeerSession
  readonly #onExpired: (candidate: Candidate) => void
  /** Whether the application was asked, whether it let the client in, and whether the client said that it is done. */
  isJudged = false
  isAccepted = false
  isDone = false
  hasFailed = false

  constructor (peer: PeerSession, onExpired: (candidate: Candidate) => void) {
    this.peer = peer
    this.#onExpired = onExpired
  }

  expire (): void {
    this.#onExpired(this)
  }

  cut (): void {}
}

/**
 * The clients that are connected, but not let in: each proves itself to the application (Godot 4's SceneMultiplayer with an auth_callback).
 * Until then it is no peer: it is neither announced nor heard, and nothing is sent to it but the answers of the application.
 */
export class Authentication {
  readonly #host: AuthenticationHost
  readonly #wire: AuthWire
  readonly #authenticate: Authenticate
  readonly #candidates = new Map<PeerSession, Candidate>()
  readonly #deadlines: Deadlines

  /** `seconds`: how long a client may take. */
  constructor (host: AuthenticationHost, wire: AuthWire, authenticate: Authenticate, seconds: () => number) {
    this.#host = host
    this.#wire = wire
    this.#authenticate = authenticate
    this.#deadlines = new Deadlines(seconds)
  }

  /** The clients that have to prove themselves, and those that failed to and are closing. */
  get peers (): Iterable<PeerSession> {
    return this.#candidates.keys()
  }

  get size (): number {
    return this.#candidates.size
  }

  has (peer: PeerSession): boolean {
    return this.#candidates.has(peer)
  }

  /** The client with this id, unless it is closing. */
  find (id: number): PeerSession | undefined {
    for (const peer of this.#candidates.keys()) if (peer.id === id && peer.isOpen) return peer
    return undefined
  }

  /** A client has come, and knows its id. */
  begin (peer: PeerSession): void {
    const candidate = new Candidate(peer, candidate => { this.#host.soon(() => { if (this.has(peer)) this.#fail(candidate, 'auth-timeout') }) })
    this.#candidates.set(peer, candidate)
    this.#deadlines.add(candidate)
  }

  /** A message of such a client: bytes[start..end) are good until the call returns. */
  receive (peer: PeerSession, bytes: Uint8Array, start: number, end: number): void {
    const candidate = this.#candidates.get(peer)!
    const dataAt = this.#wire.dataAt(bytes, start, end)
    if (dataAt === -1 || candidate.isDone || (candidate.isAccepted && dataAt < end)) return this.#host.dropped('not-admitted', peer.peer)
    candidate.isDone = dataAt === end
    if (!candidate.isDone || !(candidate.isJudged || candidate.isAccepted)) this.#judge(candidate, ownBytes(bytes, dataAt, end))
    else this.#settle(candidate)
  }

  /** Sends data to a client that has to prove itself; ERR_DOES_NOT_EXIST for any other, ERR_INVALID_DATA for none. */
  send (id: number, data: Uint8Array): void {
    if (data.length === 0) throw new GodotError('ERR_INVALID_DATA', 'no data means that the client is let in: completeAuth')
    this.#send(this.#of(id).peer, data)
  }

  /** Lets a client in, as soon as it is done too. */
  complete (id: number): void {
    this.#complete(this.#of(id))
  }

  /** The connection is over; whether it was that of such a client. */
  delete (peer: PeerSession): boolean {
    const candidate = this.#candidates.get(peer)
    if (candidate === undefined) return false
    this.#forget(candidate)
    if (!candidate.hasFailed) this.#host.notAuthenticated(peer, undefined)
    return true
  }

  #of (id: number): Candidate {
    const peer = this.find(id)
    if (peer === undefined) throw new GodotError('ERR_DOES_NOT_EXIST', `no client ${String(id)} is authenticating`)
    return this.#candidates.get(peer)!
  }

  /** Asks the application; what the client sends meanwhile waits. */
  async #judge (candidate: Candidate, data: Uint8Array): Promise<void> {
    const { peer } = candidate
    candidate.isJudged = true
    peer.pauseReading()
    const answer = await this.#answerOf(peer, data)
    this.#host.soon(() => {
      if (!peer.isOpen) return
      if (this.has(peer)) this.#take(candidate, answer)
      peer.resumeReading()
    })
  }

  async #answerOf (peer: PeerSession, data: Uint8Array): Promise<AuthenticateAnswer> {
    try {
      return checkAnswer(await this.#authenticate(peer.peer, data))
    } catch (err) {
      this.#host.log.error({ err, peer: peer.id }, 'authenticate failed')
      return false
    }
  }

  #take (candidate: Candidate, answer: AuthenticateAnswer): void {
    if (answer === true) this.#complete(candidate)
    else if (answer === false) this.#fail(candidate, 'auth-refused')
    else if (answer !== undefined) this.#send(candidate.peer, answer)
  }

  #complete (candidate: Candidate): void {
    if (candidate.isAccepted) return
    candidate.isAccepted = true
    this.#send(candidate.peer, DONE)
    this.#settle(candidate)
  }

  #settle (candidate: Candidate): void {
    if (!candidate.isAccepted || !candidate.isDone) return
    this.#forget(candidate)
    this.#host.authenticated(candidate.peer)
  }

  #send (peer: PeerSession, data: Uint8Array): void {
    const message = this.#wire.encode(data)
    if (this.#host.outbox.hasRoom(peer.outbox, message.length)) this.#host.outbox.send(peer.outbox, opcode.BINARY, message, 0, message.length)
    else peer.closeSlow()
  }

  /** It stays here until its connection is over, so that it never becomes a peer. */
  #fail (candidate: Candidate, why: AuthFailure): void {
    candidate.hasFailed = true
    this.#deadlines.delete(candidate)
    this.#host.notAuthenticated(candidate.peer, why)
    candidate.peer.close('server', closeCode.NORMAL, '')
  }

  #forget (candidate: Candidate): void {
    this.#candidates.delete(candidate.peer)
    this.#deadlines.delete(candidate)
  }
}

/** Lets nobody in by mistake: an answer that is none is a fault. */
function checkAnswer (answer: AuthenticateAnswer): AuthenticateAnswer {
  const isAnswer = answer === undefined || typeof answer === 'boolean' || (answer instanceof Uint8Array && answer.length > 0)
  if (!isAnswer) throw new TypeError('authenticate must answer with true, false, bytes that are sent, or nothing')
  return answer
}
