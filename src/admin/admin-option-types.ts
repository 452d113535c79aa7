// Written by `npm run docs` from the schemas of the options; a test fails when it is stale.

/** A token and its owner, as the audit log names it. */
export interface NamedToken {
  /** Owner of the token, as the audit log names it. */
  readonly name: string
  /** Bearer token: printable ASCII, at least 32 characters in production. */
  readonly token: string
  /**
   * What the token allows: `read`: see everything; `operate`: also disconnect peers, send packets, and change rooms and
   * bans; `admin`: also change settings, and start, stop and drain the server. Default: `admin`.
   */
  readonly role?: 'read' | 'operate' | 'admin'
}

/** Every option of `adminRoutes`. Either `token` or `auth: false` is required. */
export interface AdminOptions {
  /** One token, or several with their owners: `[{ name, token, role }]`. */
  readonly token?: string | readonly NamedToken[]
  /** `false`: the host guards the scope itself. */
  readonly auth?: false
  /**
   * Pages of other origins that may use the REST API (CORS): `*` or `true` for all, an origin such as
   * `https://game.example` or `https://*.game.example` (one label), or a list of them. By default none.
   */
  readonly origin?: boolean | string | readonly string[]
  /** Name of the server to administer: its option `name`. */
  readonly server?: string
  /**
   * Text in front of every `operationId`, which must be unique in a document; by default the name of the server and
   * `.`, or nothing for `peerServer`.
   */
  readonly operationIdPrefix?: string
  /**
   * OpenAPI security requirement of the routes, by the name of a security scheme of the host: `[{ adminToken: [] }]`.
   */
  readonly security?: readonly { readonly [name: string]: readonly string[] }[]
  /**
   * Events kept for clients that reconnect to `/events`; 0: none. Several `adminRoutes` of one server share them; the
   * largest number counts.
   */
  readonly eventHistory?: number
  /** Memory that these events may take, in bytes (estimated). */
  readonly eventHistoryBytes?: number
  /** Maximum concurrent readers of `/events`. */
  readonly maxEventStreams?: number
}
