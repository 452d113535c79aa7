import { GodotError } from '../../error.ts'
import type { Authenticate } from '../../on-authenticate.ts'
import { checkedAnswer } from '../../on-handshake.ts'
import type { Accepted, Refused } from '../../on-handshake.ts'
import type { AuthWire } from '../../protocol/multiplayer/relay-wire.ts'
import { ownBytes } from '../../protocol/own-bytes.ts'
import { checkClose, closeCode } from '../../protocol/websocket/close-code.ts'
import { opcode } from '../../protocol/websocket/frame.ts'
import { Deadlines } from '../admission/deadlines.ts'
import type { Deadlined } from '../admission/deadlines.ts'
import { pauseReason } from '../peer/pause-reason.ts'
import type { PeerSession } from '../peer/peer-session.ts'
import { checkBytes, checkPacket } from '../check-packet.ts'
import type { RoomOutbox } from './relay/room-outbox.ts'

/** Why a client was rejected: by the application, or because it took too long. These are names of limits. */
type AuthFailure = 'auth-refused' | 'auth-timeout'

/** What `authenticate` returned: bytes to send, or null if it is undecided. */
type Answer = Accepted | Refused | Uint8Array | null | 'refused'

/** Close code of a refusal without its HTTP status. */
const REFUSED = 4000

/** Messages that one client may send for authentication; no known game needs more than a few. */
const MAX_MESSAGES = 64

/** What `Authentication` needs of its room. */
export interface AuthenticationHost {
  readonly outbox: RoomOutbox
  /** Bytes of the largest message. */
  maxSize (): number
  /** Seconds that a client may take. */
  seconds (): number
  /** The client is authenticated. */
  authenticated (session: PeerSession): void
  /** The client was rejected, or disconnected (no reason). Called once. */
  rejected (session: PeerSession, reason: AuthFailure | undefined): void
  /** The client sent a packet that is not allowed yet. */
  dropped (session: PeerSession): void
  /** `authenticate` threw, rejected, or returned something invalid. */
  failed (session: PeerSession, error: unknown): void
  /** Calls `callback` outside of the current call. */
  defer (callback: () => void): void
}

/** Empty data notifies the other side that authentication is complete. */
const COMPLETE = new Uint8Array(0)

/** An authenticating client. Both sides have to complete, in either order. */
class AuthenticatingClient implements Deadlined {
  readonly session: PeerSession
  readonly #onExpired: () => void
  messages = 0
  /** The application has accepted the client. */
  isAccepted = false
  /** The client has completed its side. */
  isComplete = false
  hasFailed = false

  constructor (session: PeerSession, onExpired: () => void) {
    this.session = session
    this.#onExpired = onExpired
  }

  expire (): void {
    this.#onExpired()
  }

  cut (): void {}
}

/**
 * Clients that are connected but not members yet (Godot 4's SceneMultiplayer with an auth_callback). Until the
 * application accepts them they are not announced, their packets are dropped, and they get nothing but its answers.
 */
export class Authentication {
  readonly #wire: AuthWire
  readonly #authenticate: Authenticate
  readonly #host: AuthenticationHost
  /** By id. */
  readonly #clients = new Map<number, AuthenticatingClient>()
  readonly #deadlines: Deadlines

  constructor (wire: AuthWire, authenticate: Authenticate, host: AuthenticationHost) {
    this.#wire = wire
    this.#authenticate = authenticate
    this.#host = host
    this.#deadlines = new Deadlines(() => host.seconds())
  }

  /** Authenticating clients, and rejected ones that are still closing. */
  * sessions (): IterableIterator<PeerSession> {
    for (const { session } of this.#clients.values()) yield session
  }

  get size (): number {
    return this.#clients.size
  }

  has (session: PeerSession): boolean {
    return this.#clients.has(session.id)
  }

  /** The client with this id, unless it is closing. */
  find (id: number): PeerSession | undefined {
    const session = this.#clients.get(id)?.session
    return session?.isOpen === true ? session : undefined
  }

  /** The time that a client may take has changed. */
  timeoutChanged (): void {
    this.#deadlines.changed()
  }

  /** A client has connected and knows its id. */
  begin (session: PeerSession): void {
    const client = new AuthenticatingClient(session, () => {
      this.#host.defer(() => { if (this.has(session)) this.#reject(client, 'auth-timeout') })
    })
    this.#clients.set(session.id, client)
    this.#deadlines.add(client)
  }

  /** A message of such a client: bytes[start..end), valid until the call returns. */
  receive (session: PeerSession, bytes: Uint8Array, start: number, end: number): void {
    const client = this.#clients.get(session.id)!
    const dataAt = this.#wire.dataAt(bytes, start, end)
    const isUnexpected = dataAt === -1 || client.isComplete || (client.isAccepted && dataAt < end)
    if (isUnexpected) return this.#host.dropped(session)
    client.isComplete = dataAt === end
    const hasAsked = client.messages > 0 || client.isAccepted
    if (client.isComplete && hasAsked) return this.#settle(client)
    // What a client had sent when it left is read at once, and there is nobody left to answer.
    if (session.isLeaving) return
    if (client.messages === MAX_MESSAGES) this.#reject(client, 'auth-refused')
    else this.#checkData(client, ownBytes(bytes, dataAt, end))
  }

  /**
   * Sends data to an authenticating client; ERR_DOES_NOT_EXIST for any other, ERR_INVALID_DATA for empty data,
   * ERR_OUT_OF_MEMORY for more than the output buffer takes, ERR_INVALID_PARAMETER for anything but bytes.
   */
  send (id: number, data: Uint8Array): void {
    checkBytes(data)
    if (data.length === 0) {
      throw new GodotError('ERR_INVALID_DATA', 'data must not be empty; call completeAuth() to accept the client')
    }
    const { session } = this.#of(id)
    this.#checkSize(data)
    this.#send(session, data)
  }

  /** Accepts a client; it becomes a member as soon as it is complete too. ERR_DOES_NOT_EXIST for any other. */
  complete (id: number): void {
    this.#accept(this.#of(id))
  }

  /** Removes a client whose connection has ended; returns whether it was authenticating. */
  delete (session: PeerSession): boolean {
    const client = this.#clients.get(session.id)
    if (client === undefined) return false
    this.#forget(client)
    if (!client.hasFailed) this.#host.rejected(session, undefined)
    return true
  }

  #of (id: number): AuthenticatingClient {
    const client = this.#clients.get(id)
    if (client?.session.isOpen === true && !client.hasFailed) return client
    throw new GodotError('ERR_DOES_NOT_EXIST', `no client ${String(id)} is authenticating`)
  }

  #checkSize (data: Uint8Array): void {
    checkPacket(this.#wire.encode(data), this.#host.maxSize())
  }

  /** Asks the application; the client is not read until it has answered, unless it leaves. */
  async #checkData (client: AuthenticatingClient, data: Uint8Array): Promise<void> {
    const { session } = client
    client.messages++
    session.pauseReading(pauseReason.APPLICATION)
    const answer = await this.#answerOf(session, data)
    this.#host.defer(() => {
      if (!session.isOpen) return
      if (this.has(session)) this.#apply(client, answer)
      session.resumeReading(pauseReason.APPLICATION)
    })
  }

  async #answerOf (session: PeerSession, data: Uint8Array): Promise<Answer> {
    try {
      const answer = await this.#authenticate(session.peer, data)
      if (answer === null) return answer
      if (answer instanceof Uint8Array && answer.length > 0) {
        this.#checkSize(answer)
        return answer
      }
      const checked = checkedAnswer('authenticate', answer as Exclude<typeof answer, Uint8Array>)
      if (checked.status !== undefined) checkClose(REFUSED + checked.status, checked.reason ?? '')
      return answer === false ? 'refused' : checked
    } catch (error) {
      this.#host.failed(session, error)
      return 'refused'
    }
  }

  #apply (client: AuthenticatingClient, answer: Answer): void {
    if (answer === null) return
    if (answer === 'refused') return this.#reject(client, 'auth-refused')
    if (answer instanceof Uint8Array) return this.#send(client.session, answer)
    const { status, reason } = answer as Refused
    if (status !== undefined) return this.#reject(client, 'auth-refused', REFUSED + status, reason)
    if ('data' in answer) client.session.data = answer.data
    this.#accept(client)
  }

  #accept (client: AuthenticatingClient): void {
    if (client.isAccepted) return
    client.isAccepted = true
    this.#send(client.session, COMPLETE)
    this.#settle(client)
  }

  #settle (client: AuthenticatingClient): void {
    if (!client.isAccepted || !client.isComplete) return
    this.#forget(client)
    this.#host.authenticated(client.session)
  }

  #send (session: PeerSession, data: Uint8Array): void {
    const { outbox } = this.#host
    const message = this.#wire.encode(data)
    if (outbox.hasSpace(session.outbox, message.length)) {
      outbox.send(session.outbox, opcode.BINARY, message, 0, message.length)
    } else session.closeSlow()
  }

  /** The client is kept until its connection has ended, so that it never becomes a member. */
  #reject (client: AuthenticatingClient, failure: AuthFailure, code: number = closeCode.NORMAL, reason = ''): void {
    if (client.hasFailed) return
    client.hasFailed = true
    this.#deadlines.delete(client)
    this.#host.rejected(client.session, failure)
    client.session.close('server', code, reason)
  }

  #forget (client: AuthenticatingClient): void {
    this.#clients.delete(client.session.id)
    this.#deadlines.delete(client)
  }
}
