/** The upgrade request of a client, for option `onHandshake`. */
export interface HandshakeRequest {
  /** Headers by lower-case name. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Path and query as received. */
  readonly url: string
  /** Query parameters, the last one of repeated ones. */
  readonly query: Readonly<Record<string, string>>
  /** Canonical address of the client (as option trustProxy of Fastify says), and port of its connection. */
  readonly address: string
  readonly port: number
  /** Requested subprotocols, without one that carries a token. */
  readonly protocols: readonly string[]
  /** Origin of the page, undefined outside of browsers. */
  readonly origin: string | undefined
  /** From `Authorization: Bearer`, else the sub-protocol `base64url.bearer.authorization.<token in base64url>`, else the query's `token` or `access_token`. */
  readonly token: string | undefined
}

/** Accepts a client; `data` is kept as the peer's `data`, and shown by the REST API as far as JSON can. */
export interface Accepted { readonly data?: unknown, readonly status?: undefined }

/** Rejects a client with an HTTP status, 400 to 599, and a reason that is sent to it. */
export interface Refused { readonly status: number, readonly reason?: string }

/** Decides whether a client may join. An error that it throws is logged, and the client rejected with 500. */
export type OnHandshake = (request: HandshakeRequest) => Accepted | Refused | Promise<Accepted | Refused>
