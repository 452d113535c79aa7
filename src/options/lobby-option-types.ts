// Written by `npm run docs` from the schemas of the options; a test fails when it is stale.

/** Every option of `lobbyRoutes`. */
export interface LobbyOptions {
  /** Name of the server whose rooms are shown: its option `name`. */
  readonly server?: string
  /**
   * How many requests an address (IPv6: a /64) may send: `max` per `timeWindow`, in milliseconds or a text such as `1
   * minute`.
   */
  readonly rateLimit?: { readonly max?: number, readonly timeWindow?: number | string }
  /**
   * Pages of other origins that may use the lobby (CORS): `*` or `true` for all, an origin such as
   * `https://game.example` or `https://*.game.example` (one label), or a list of them. By default none.
   */
  readonly origin?: boolean | string | readonly string[]
  /** Whether clients may open rooms. */
  readonly create?: boolean
  /**
   * What the URLs in the responses of the lobby begin with, for example `wss://game.example`; the path of the endpoint
   * and the room follow. By default the address that the request was sent to.
   */
  readonly publicUrl?: string
  /**
   * Text in front of every `operationId`, which must be unique in a document; by default the name of the server and
   * `.`, or nothing for `peerServer`.
   */
  readonly operationIdPrefix?: string
}
