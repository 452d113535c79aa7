/** What a client asks with its handshake, as option `onHandshake` gets it. */
export interface HandshakeRequest {
  /** Headers by lower-case name. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Path and query as they came. */
  readonly url: string
  /** Parameters of the query; of a repeated one the last. */
  readonly query: Readonly<Record<string, string>>
  /** Address and port of the client. */
  readonly address: string
  readonly port: number
  /** Sub-protocols that the client asked for, without the one that carries a token. */
  readonly protocols: readonly string[]
  /** Where the page comes from; undefined outside of browsers. */
  readonly origin: string | undefined
  /** From `Authorization: Bearer`, else the sub-protocol `base64url.bearer.authorization.<token in base64url>`, else the query's `token` or `access_token`. */
  readonly token: string | undefined
}

/** Lets a client in; `data` then is the peer's, whatever it is, and shown by the REST API as far as JSON can. */
export interface Accepted { readonly data?: unknown, readonly status?: undefined }

/** Turns a client away with an HTTP status, 4xx or 5xx, and a reason that it is told. */
export interface Refused { readonly status: number, readonly reason?: string }

/** Decides who may join. What it throws is logged, and the client turned away with 500. */
export type OnHandshake = (request: HandshakeRequest) => Accepted | Refused | Promise<Accepted | Refused>
