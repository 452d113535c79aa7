/** The upgrade request of a client, as passed to option `onHandshake`. */
export interface HandshakeRequest {
  /** Headers by lower-case name. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Path and query, undecoded. */
  readonly url: string
  /** Query parameters; the last value of a repeated one. */
  readonly query: Readonly<Record<string, string>>
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
  /** Not set. */
  readonly status?: undefined
}

/** Refuses a client. */
export interface Refused {
  /** HTTP status of the response, 4xx or 5xx. */
  readonly status: number
  /** Detail in the body of the response. */
  readonly reason?: string
}

/** Decides which clients may join. If it throws, the error is logged and the client refused with 500. */
export type OnHandshake = (request: HandshakeRequest) => Accepted | Refused | Promise<Accepted | Refused>
