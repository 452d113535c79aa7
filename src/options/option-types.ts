// Written by `npm run docs` from the schemas of the options; a test fails when it is stale.
import type { Logger } from '../logger.ts'
import type { Authenticate } from '../on-authenticate.ts'
import type { OnHandshake } from '../on-handshake.ts'

/** The complete options of a server, with defaults applied. */
export interface ServerOptions {
  /** Name of the Fastify decorator for the server. Several servers in one app need different names. */
  name: string
  /** URL path of the mounted endpoint. */
  path: string
  /** Port of the server's own listener, which replaces the mounted endpoint; 0: any free port. */
  port?: number
  /** Address that the server's own listener binds to; `*`: all IPv4 and IPv6 addresses. */
  bindIp: string
  /** Private key (PEM); with sslCertificate, enables TLS on the server's own listener. */
  privateKey?: string
  /** Certificate (PEM) for privateKey. */
  sslCertificate?: string
  /** Intermediate certificates (PEM) between sslCertificate and the root. */
  caChain?: string
  /**
   * Supported subprotocols; the first one that a client requests and that is among them is chosen. If empty, clients
   * must not request one.
   */
  protocols: readonly string[]
  /** Use Godot's multiplayer protocol, which assigns ids, announces peers and relays packets. */
  gdMpApi: boolean
  /** Godot version of the clients, which determines the multiplayer protocol and the encoding of Variants. */
  wire: 'godot3' | 'godot4'
  /** Whether peers are announced to each other and may send to each other; false: they only see the server. */
  serverRelay: boolean
  /** How node paths are confirmed (godot4): by `id` (since Godot 4.3), by `path` (until 4.2), or `both`. */
  confirmPath: 'id' | 'path' | 'both'
  /**
   * Keep Godot's types in arguments of remote calls, and in what clients spawn and synchronize: a real with an integral
   * value becomes a `Float`, so that it can be sent on unchanged; false: a plain number. `MultiplayerAPI.node` can
   * override it per node.
   */
  exactTypes: boolean
  /**
   * Function that checks the data that clients send with `send_auth` before they join (godot4, with gdMpApi). If it is
   * not set, clients must not send any.
   */
  authenticate?: Authenticate
  /** Maximum duration of authentication by `authenticate`, in seconds. */
  authTimeout: number
  /** Maximum duration of a handshake, in seconds. */
  handshakeTimeout: number
  /** Refuse all new connections and pending handshakes; connected peers stay. */
  refuseNewConnections: boolean
  /** Start listening when the app is ready; false: your code or the REST API calls `listen`. */
  autoListen: boolean
  /**
   * Process events immediately; false: nothing is read and no signal is emitted outside `poll()`, except during
   * `stop()` (not with `cluster`).
   */
  autoPoll: boolean
  /** Size of a peer's input buffer in KiB, rounded up to a power of two. */
  inputBufferKb: number
  /** Maximum number of packets in a peer's input buffer, rounded up to a power of two. */
  inputMaxPackets: number
  /** Size of a peer's output buffer in KiB, rounded up to a power of two. */
  outputBufferKb: number
  /** Maximum number of packets in a peer's output buffer, rounded up to a power of two. */
  outputMaxPackets: number
  /** Seconds that a client has to answer a close frame before its connection is destroyed. */
  closeTimeout: number
  /**
   * Whether a client can read what was sent before the server closes it: the close frame is sent once the client has
   * answered a ping, at the latest after half of closeTimeout. Godot drops what it reads together with a close frame.
   */
  lastWords: boolean
  /**
   * Close code sent to peers when the server stops: 1001 (going away) or 1012 (service restart), which Godot 3 games do
   * not notice.
   */
  stopCode: 1001 | 1012
  /** Seconds of silence after which a peer is pinged; after twice that time it is disconnected; 0: never. */
  pingInterval: number
  /**
   * Support permessage-deflate (RFC 7692) without context takeover: clients may compress their messages. The server
   * compresses messages of 1 KiB or more that `putPacket` sends to one peer, but no broadcasts.
   */
  perMessageDeflate: boolean
  /**
   * Several multiplayer worlds in one server, chosen by the client's URL: `/ws/arena-7` or `/ws?room=arena-7`, else
   * `main`. true: with the defaults; false: everyone is in `main`.
   */
  rooms: boolean | RoomRules
  /** Makes this server a node of a cluster, whose nodes share ids and rooms over NATS. */
  cluster?: ClusterOptions
  /** Maximum number of peers; 0: no limit. */
  maxPeers: number
  /** Maximum number of connections per address (IPv6: per /64); loopback is exempt; 0: no limit. */
  maxPeersPerAddress: number
  /** Maximum joins per minute and address (IPv6: per /64); loopback is exempt; 0: no limit. */
  maxJoinsPerMinute: number
  /** Maximum number of pending handshakes. */
  maxPendingHandshakes: number
  /**
   * Maximum packets per second received from a peer. A peer that exceeds it is read more slowly, and closed with 1008
   * if it keeps exceeding it; 0: no limit.
   */
  maxPacketsPerSecond: number
  /**
   * Maximum payload bytes per second received from a peer. A peer that exceeds it is read more slowly, and closed with
   * 1008 if it keeps exceeding it; 0: no limit.
   */
  maxBytesPerSecond: number
  /**
   * Origins whose pages may connect: `*` for all, or a list such as `https://game.example` or `https://*.game.example`
   * (one label); if not set, only the same host. Clients that send no Origin header, such as native games, may always
   * connect.
   */
  allowedOrigins?: '*' | readonly string[]
  /**
   * Function that accepts or refuses a client. It may return `data` for the peer, which the REST API shows as JSON: a
   * BigInt as a string, a circular reference as `[circular]`.
   */
  onHandshake?: OnHandshake
  /**
   * Logger with the methods `debug`, `info`, `warn` and `error` of pino; default: the app's logger in the plugin,
   * otherwise the console, for warnings and errors.
   */
  log?: Logger
  /**
   * Maximum delay of relayed packets in milliseconds, in order to batch them; 0: until the end of the event loop turn.
   */
  holdTime: number
}

/** Members of option `rooms`: which rooms there may be. */
export interface RoomRules {
  /**
   * Who opens rooms: the first client that asks for it (`join`), or only the application, the REST API and the lobby
   * (`admin`). Default: `"join"`.
   */
  create?: 'join' | 'admin'
  /** Maximum number of rooms besides `main`. Default: `10000`. */
  maxRooms?: number
  /** Maximum number of peers per room, unless the room has a limit of its own; 0: no limit. Default: `0`. */
  maxPeersPerRoom?: number
  /** Seconds that a room stays open without peers. Default: `0`. */
  emptyTimeout?: number
  /** Maximum number of rooms that clients of one address open per minute; 0: no limit. Default: `60`. */
  joinPerMinute?: number
}

/** Members of option `cluster`: how the nodes of a cluster reach each other. */
export interface ClusterOptions {
  /** Addresses of the NATS servers, such as `nats://broker:4222`. */
  servers: string | readonly string[]
  /** Name of the cluster: nodes of different namespaces do not see each other. Default: `"default"`. */
  namespace?: string
  /** Name of this node, unique in the cluster; default: host name and a random suffix. */
  nodeId?: string
  /** Path or content of a NATS credentials file (.creds). */
  credentials?: string
  /** User name for the NATS servers. */
  user?: string
  /** Password for the NATS servers. */
  password?: string
  /** Token for the NATS servers. */
  token?: string
  /** TLS options of the NATS client: `ca`, `cert`, `key` as PEM, or `caFile` and so on. */
  tls?: object
  /** Copies of the shared state: 3 with a NATS cluster of three. Default: `1`. */
  replicas?: number
  /**
   * What happens when the NATS servers cannot be reached for 3 seconds: all peers are closed with 1001 (`close`), or
   * rooms whose peers are all on this node continue (`isolate`). Default: `"close"`.
   */
  onBrokerLoss?: 'close' | 'isolate'
  /**
   * What happens in a room when packets from another node were lost: the peers of that node leave and join again
   * (`announce`), or the peers of the room on this node are closed with 1001 (`close`), of all rooms if the packets
   * were for single peers. Default: `"announce"`.
   */
  onGap?: 'announce' | 'close'
}

/** What one room may set for itself. */
export interface RoomOptions {
  /** Maximum number of peers; 0: no limit. Default: `maxPeersPerRoom`. */
  maxPeers?: number
  /** Whether new clients are refused; default false. */
  locked?: boolean
  /** Whether the lobby shows it; default true. */
  listed?: boolean
  /** Seconds that it stays open after its last peer has left. Default: that of option `rooms`. */
  emptyTimeout?: number
  /** JSON object of at most 4096 bytes, shown in the lobby; default {}. */
  data?: Record<string, unknown>
}
