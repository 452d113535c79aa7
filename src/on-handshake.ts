/** The upgrade request of a client, as passed to option `onHandshake`. */
export interface HandshakeRequest {
  /** Headers by lower-case name. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Path and query, undecoded. */
  readonly url: string
  /** Query parameters; the last value of a repeated one. */
  readonly query: Readonly<Record<string, string | undefined>>
  /** IP address of the client. */
  readonly address: string
  /** TCP port of the client. */
  readonly port: number
  /** Subprotocols that the client offers, without the one that carries a token. */
  readonly protocols: readonly string[]
  /** The room that the client asks for (option `rooms`), else `main`. */
  readonly room: string
  /** The `Origin` header; undefined for clients that are not browsers. */
  readonly origin: string | undefined
  /**
   * Token from `Authorization: Bearer`, else from the subprotocol `base64url.bearer.authorization.<token in
   * base64url>`, else from the query parameter `token` or `access_token`.
   */
  readonly token: string | undefined
}

/** Accepts a client. */
export interface Accepted {
  /** The room to join, instead of the one that the client asked for (option `rooms`). */
  readonly room?: string
  /** Becomes `data` of the peer; the REST API shows it as far as JSON can express it. */
  readonly data?: unknown
  /** Never set; distinguishes this type from `Refused`. */
  readonly status?: undefined
}

/** Refuses a client. */
export interface Refused {
  /** HTTP status of the response, 4xx or 5xx; `authenticate` closes with 4000 + status, such as 4403. */
  readonly status: number
  /** Detail in the body of the response, or the reason of the close frame. */
  readonly reason?: string
}

/** Nothing or `true` accepts a client, `false` refuses it with 403. */
export type HandshakeAnswer = Accepted | Refused | boolean | undefined | void

/** Decides which clients may join. If it throws, the error is logged and the client refused with 500. */
export type OnHandshake = (request: HandshakeRequest) => HandshakeAnswer | Promise<HandshakeAnswer>

const FORBIDDEN = 403
const [FIRST_STATUS, LAST_STATUS] = [400, 599]

/** What the return value of a callback means; throws a TypeError for anything else, so that no client is accepted. */
export function checkedAnswer (callback: string, answer: HandshakeAnswer): Accepted | Refused {
  if (answer === undefined || answer === true) return {}
  if (answer === false) return { status: FORBIDDEN }
  if (typeof answer !== 'object' || answer === null || answer instanceof Uint8Array) {
    throw new TypeError(`${callback}: expected nothing, true, { data }, false or { status, reason }`)
  }
  const { status, reason, room } = answer as { status?: unknown, reason?: unknown, room?: unknown }
  for (const [name, text] of Object.entries({ reason, room })) {
    if (text !== undefined && typeof text !== 'string') {
      throw new TypeError(`${callback}: invalid ${name} ${String(text)}: expected a string`)
    }
  }
  const isStatus = status === undefined ||
    (typeof status === 'number' && Number.isInteger(status) && status >= FIRST_STATUS && status <= LAST_STATUS)
  if (!isStatus) throw new TypeError(`${callback}: invalid status ${String(status)}: expected 400 to 599`)
  return answer
}
