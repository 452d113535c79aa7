import { GodotError } from '../../error.ts'
import type { ErrorCode } from '../../error.ts'
import type { Accepted, HandshakeRequest, OnHandshake, Refused } from '../../on-handshake.ts'
import { chooseProtocol } from '../../protocol/websocket/handshake.ts'
import type { Admission } from './admission.ts'
import { askedDeflate, askedProtocols, handshakeRequest } from './upgrade-request.ts'
import type { UpgradeRequest } from './upgrade-request.ts'
import type { Deadlined } from './deadlines.ts'
import type { Logger } from '../../logger.ts'
import { withoutTokens } from './token.ts'

/** How a client is let in: as a peer with this sub-protocol, answered with that one and these extensions; '' is none. */
export interface Acceptance { readonly protocol: string, readonly answerProtocol: string, readonly extensions: string }

/** What a handshake asks of its server. */
export interface HandshakeHost {
  readonly admission: Admission
  readonly log: Logger
  readonly protocols: readonly string[]
  readonly onHandshake: OnHandshake | undefined
  readonly perMessageDeflate: boolean
  /** The client was turned away. */
  refusedHandshake (reason: ErrorCode, address: string): void
}

/** One handshake, from the first byte until its client is a peer or gone. What it is counted for is given back when it ends. */
export class Handshake implements Deadlined {
  /** What the application gave the client that is let in. */
  data: unknown
  /** Whether permessage-deflate was agreed on. */
  isDeflated = false
  readonly #host: HandshakeHost
  readonly #cut: (error: GodotError) => void
  #address: string | undefined
  readonly #since: number
  #hasBegun = false
  #isCounted = false
  #isInside = false
  #isOver = false

  /** `cut` is called when it takes too long or the server stops, with that as the problem; `since`: when it began, on the clock of `performance.now()`. */
  constructor (host: HandshakeHost, cut: (error: GodotError) => void, since: number = performance.now()) {
    this.#host = host
    this.#cut = cut
    this.#since = since
  }

  /** Seconds since its first byte. */
  get seconds (): number {
    return (performance.now() - this.#since) / 1000
  }

  /** Begins to count its time, if it has not begun; throws too-many-handshakes. */
  begin (): void {
    if (this.#hasBegun) return
    this.#host.admission.checkPending()
    this.#hasBegun = true
    this.#host.admission.pending.add(this, this.#since)
  }

  /** It is known where the client is; throws banned and address-limit. */
  arrive (address: string): void {
    const { admission } = this.#host
    this.#address = address
    admission.checkBan(address)
    admission.checkAddress(address)
    this.#isCounted = true
    admission.countConnection(address, 1)
  }

  /** It is known what the client asks: how it is let in, else throws or rejects with what it is refused with. */
  decide (asking: UpgradeRequest): Acceptance | Promise<Acceptance> {
    const { admission, protocols, onHandshake, perMessageDeflate } = this.#host
    if (this.#address === undefined) this.arrive(asking.address)
    admission.checkOpen()
    admission.checkOrigin(asking)
    const asked = askedProtocols(asking.headers)
    const protocol = chooseProtocol(protocols, asked.names)
    admission.checkPlace(asking.address)
    this.#isInside = true
    admission.countPlace(1)
    // A browser takes no answer without a sub-protocol once it has asked for one, if only to carry a token.
    const entry = { protocol, answerProtocol: protocol === '' ? asked.carrier ?? '' : protocol, extensions: perMessageDeflate ? askedDeflate(asking.headers) : '' }
    this.isDeflated = entry.extensions !== ''
    if (onHandshake === undefined) return entry
    this.begin()
    return this.#ask(onHandshake, handshakeRequest(asking, asked), entry)
  }

  /** The client becomes a peer: what it is counted for is the peer's from now on. */
  become (): void {
    this.#isOver = true
    this.#host.admission.pending.delete(this)
  }

  /** It is over, and there is no peer: with a problem the client was turned away. */
  end (error: GodotError | undefined = undefined): void {
    if (this.#isOver) return
    this.become()
    if (this.#isCounted) this.#host.admission.countConnection(this.#address!, -1)
    if (this.#isInside) this.#host.admission.countPlace(-1)
    if (error !== undefined) this.#host.refusedHandshake(error.code, this.#address ?? '')
  }

  /** It took too long. */
  expire (): void {
    this.#host.admission.hit('handshake-timeout', { address: this.#address })
    this.#fail(new GodotError('handshake-timeout'))
  }

  /** The server stops. */
  cut (): void {
    this.#fail(new GodotError('not-listening'))
  }

  #fail (error: GodotError): void {
    this.end(error)
    this.#cut(error)
  }

  async #ask (onHandshake: OnHandshake, request: HandshakeRequest, entry: Acceptance): Promise<Acceptance> {
    this.data = await this.#answerOf(onHandshake, request)
    if (this.#isOver) throw new GodotError('handshake-timeout')
    this.#host.admission.checkBan(request.address)
    return entry
  }

  /** The data that the application gives the client; throws what it refuses with. */
  async #answerOf (onHandshake: OnHandshake, request: HandshakeRequest): Promise<unknown> {
    const { log, admission } = this.#host
    let answer: Accepted | Refused
    try {
      answer = checkAnswer(await onHandshake(request))
    } catch (err) {
      log.error({ err, url: withoutTokens(request.url) }, 'onHandshake failed')
      throw new GodotError('join-failed')
    }
    if (answer.status === undefined) return answer.data
    admission.hit('join-refused', { address: request.address, status: answer.status, reason: answer.reason })
    throw new GodotError('join-refused', answer.reason, answer.status)
  }
}

/** Lets nobody in by mistake: an answer that is neither is a fault. */
function checkAnswer (answer: Accepted | Refused): Accepted | Refused {
  if (typeof answer !== 'object' || answer === null) throw new TypeError('onHandshake must answer with an object: { data } or { status, reason }')
  if (answer.status !== undefined && (!Number.isInteger(answer.status) || answer.status < 400 || answer.status > 599)) throw new TypeError(`onHandshake: status ${String(answer.status)} is none of 400 to 599`)
  return answer
}
