import { parseAddressRange } from '../address-range.ts'
import { GodotError } from '../error.ts'
import type { ClusterOptions, ServerOptions as Options } from './option-types.ts'
import type { Authenticate } from '../on-authenticate.ts'
import type { Logger } from '../logger.ts'
import type { OnHandshake } from '../on-handshake.ts'
import { Type } from '../typebox.ts'
import { checkOptions } from './check-options.ts'
import { defaultOptions } from './defaults.ts'
import { MAX_EMPTY_SECONDS, MAX_LIMIT } from './maximums.ts'
import { identifierPattern, namePattern, namespacePattern, pathPattern, tokenPattern } from './patterns.ts'
import { Origin } from './refined-by.ts'
import { withoutUndefined } from './without-undefined.ts'

const MAX_SECONDS = 3600

/** The complete options, with defaults applied. */
export type ServerOptions = Options

const kib = (direction: string) => Type.Integer({
  minimum: 1,
  maximum: 1 << 20,
  description: `Size of a peer's ${direction} buffer in KiB, rounded up to a power of two`
})
const packets = (direction: string) => Type.Integer({
  minimum: 1,
  maximum: 1 << 20,
  description: `Maximum number of packets in a peer's ${direction} buffer, rounded up to a power of two`
})
const limit = (description: string) => Type.Integer({
  minimum: 0, maximum: MAX_LIMIT, description: `${description}; 0: no limit`
})
const rate = (unit: string) => Type.Number({
  minimum: 0,
  description: `Maximum ${unit} per second received from a peer. A peer that exceeds it is read more slowly, and ` +
    'closed with 1008 if it keeps exceeding it; 0: no limit'
})
const timeout = (description: string) => Type.Number({ exclusiveMinimum: 0, maximum: MAX_SECONDS, description })
const pem = (description: string) => Type.String({ minLength: 1, description })

const isFunction = (value: unknown): boolean => typeof value === 'function'
const isLogger = (value: unknown): boolean =>
  ['debug', 'info', 'warn', 'error'].every(level => isFunction((value as Record<string, unknown> | undefined)?.[level]))
const callback = <Callback>(description: string) =>
  Type.Optional(Type.Refine(Type.Unsafe<Callback>({ description }), isFunction, () => 'must be a function'))

/** Members of option `rooms`: which rooms there may be. */
export const roomRules = Type.Object({
  create: Type.Optional(Type.Union([Type.Literal('join'), Type.Literal('admin')], {
    description: 'Who opens rooms: the first client that asks for it (`join`), or only the application, the REST API ' +
      'and the lobby (`admin`)'
  })),
  maxRooms: Type.Optional(Type.Integer({
    minimum: 1,
    maximum: MAX_LIMIT,
    description: 'Maximum number of rooms besides `main`'
  })),
  maxPeersPerRoom: Type.Optional(limit('Maximum number of peers per room, unless the room has a limit of its own')),
  emptyTimeout: Type.Optional(Type.Number({
    minimum: 0,
    maximum: MAX_EMPTY_SECONDS,
    description: 'Seconds that a room stays open without peers'
  })),
  joinPerMinute: Type.Optional(Type.Integer({
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    description: 'Maximum number of rooms that clients of one address open per minute; 0: no limit'
  }))
}, { additionalProperties: false })

/** Members of option `cluster`: how the nodes of a cluster reach each other. */
export const clusterOptions = Type.Object({
  servers: Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1 })], {
    description: 'Addresses of the NATS servers, such as `nats://broker:4222`'
  }),
  namespace: Type.Optional(Type.String({
    pattern: namespacePattern,
    description: 'Name of the cluster: nodes of different namespaces do not see each other'
  })),
  nodeId: Type.Optional(Type.String({
    pattern: namePattern,
    description: 'Name of this node, unique in the cluster; default: host name and a random suffix'
  })),
  credentials: Type.Optional(Type.String({ description: 'Path or content of a NATS credentials file (.creds)' })),
  user: Type.Optional(Type.String({ description: 'User name for the NATS servers' })),
  password: Type.Optional(Type.String({ description: 'Password for the NATS servers' })),
  token: Type.Optional(Type.String({ description: 'Token for the NATS servers' })),
  tls: Type.Optional(Type.Unsafe<object>({
    type: 'object', description: 'TLS options of the NATS client: `ca`, `cert`, `key` as PEM, or `caFile` and so on'
  })),
  replicas: Type.Optional(Type.Integer({
    minimum: 1,
    maximum: 5,
    description: 'Copies of the shared state: 3 with a NATS cluster of three'
  })),
  onBrokerLoss: Type.Optional(Type.Union([Type.Literal('close'), Type.Literal('isolate')], {
    description: 'What happens when the NATS servers cannot be reached for 3 seconds: all peers are closed with 1001 ' +
      '(`close`), or rooms whose peers are all on this node continue (`isolate`)'
  })),
  onGap: Type.Optional(Type.Union([Type.Literal('announce'), Type.Literal('close')], {
    description: 'What happens in a room when packets from another node were lost: the peers of that node leave and ' +
      'join again (`announce`), or the peers of the room on this node are closed with 1001 (`close`), of all rooms ' +
      'if the packets were for single peers'
  }))
}, { additionalProperties: false })

/** Every option of the plugin and of `new WebSocketServer(options)`: name, type, limits and meaning. */
export const ServerOptions = Type.Object({
  name: Type.String({
    pattern: identifierPattern,
    description: 'Name of the Fastify decorator for the server. Several servers in one app need different names'
  }),
  path: Type.String({ pattern: pathPattern, description: 'URL path of the mounted endpoint' }),
  port: Type.Optional(Type.Integer({
    minimum: 0,
    maximum: 65535,
    description: 'Port of the server\'s own listener, which replaces the mounted endpoint; 0: any free port'
  })),
  bindIp: Type.Refine(
    Type.String({ description: 'Address that the server\'s own listener binds to; `*`: all IPv4 and IPv6 addresses' }),
    isBindIp,
    () => 'must be * or an IP address'
  ),
  privateKey: Type.Optional(pem('Private key (PEM); with sslCertificate, enables TLS on the server\'s own listener')),
  sslCertificate: Type.Optional(pem('Certificate (PEM) for privateKey')),
  caChain: Type.Optional(pem('Intermediate certificates (PEM) between sslCertificate and the root')),
  protocols: Type.Unsafe<readonly string[]>(Type.Array(Type.String({ pattern: tokenPattern }), {
    description: 'Supported subprotocols; the first one that a client requests and that is among them is chosen. ' +
      'If empty, clients must not request one'
  })),
  gdMpApi: Type.Boolean({
    description: 'Use Godot\'s multiplayer protocol, which assigns ids, announces peers and relays packets'
  }),
  wire: Type.Union([Type.Literal('godot3'), Type.Literal('godot4')], {
    description: 'Godot version of the clients, which determines the multiplayer protocol and the encoding of Variants'
  }),
  serverRelay: Type.Boolean({
    description: 'Whether peers are announced to each other and may send to each other; false: they only see the server'
  }),
  confirmPath: Type.Union([Type.Literal('id'), Type.Literal('path'), Type.Literal('both')], {
    description: 'How node paths are confirmed (godot4): by `id` (since Godot 4.3), by `path` (until 4.2), or `both`'
  }),
  exactTypes: Type.Boolean({
    description: 'Keep Godot\'s types in arguments of remote calls, and in what clients spawn and synchronize: a ' +
      'real with an integral value becomes a `Float`, so that it can be sent on unchanged; false: a plain number. ' +
      '`MultiplayerAPI.node` can override it per node'
  }),
  authenticate: callback<Authenticate>('Function that checks the data that clients send with `send_auth` before they ' +
    'join (godot4, with gdMpApi). If it is not set, clients must not send any'),
  authTimeout: timeout('Maximum duration of authentication by `authenticate`, in seconds'),
  handshakeTimeout: timeout('Maximum duration of a handshake, in seconds'),
  refuseNewConnections: Type.Boolean({
    description: 'Refuse all new connections and pending handshakes; connected peers stay'
  }),
  autoListen: Type.Boolean({
    description: 'Start listening when the app is ready; false: your code or the REST API calls `listen`'
  }),
  autoPoll: Type.Boolean({
    description: 'Process events immediately; false: nothing is read and no signal is emitted outside `poll()`, ' +
      'except during `stop()` (not with `cluster`)'
  }),
  inputBufferKb: kib('input'),
  inputMaxPackets: packets('input'),
  outputBufferKb: kib('output'),
  outputMaxPackets: packets('output'),
  closeTimeout: timeout('Seconds that a client has to answer a close frame before its connection is destroyed'),
  lastWords: Type.Boolean({
    description: 'Whether a client can read what was sent before the server closes it: the close frame is sent once ' +
      'the client has answered a ping, at the latest after half of closeTimeout. Godot drops what it reads together ' +
      'with a close frame'
  }),
  stopCode: Type.Union([Type.Literal(1001), Type.Literal(1012)], {
    description: 'Close code sent to peers when the server stops: 1001 (going away) or 1012 (service restart), ' +
      'which Godot 3 games do not notice'
  }),
  pingInterval: Type.Number({
    minimum: 0,
    maximum: MAX_SECONDS,
    description: 'Seconds of silence after which a peer is pinged; after twice that time it is disconnected; 0: never'
  }),
  perMessageDeflate: Type.Boolean({
    description: 'Support permessage-deflate (RFC 7692) without context takeover: clients may compress their ' +
      'messages. The server compresses messages of 1 KiB or more that `putPacket` sends to one peer, but no broadcasts'
  }),
  rooms: Type.Union([Type.Boolean(), roomRules], {
    description: 'Several multiplayer worlds in one server, chosen by the client\'s URL: `/ws/arena-7` or ' +
      '`/ws?room=arena-7`, else `main`. true: with the defaults; false: everyone is in `main`'
  }),
  cluster: Type.Optional(Type.Unsafe<ClusterOptions>({
    ...clusterOptions,
    description: 'Makes this server a node of a cluster, whose nodes share ids and rooms over NATS'
  })),
  maxPeers: limit('Maximum number of peers'),
  maxPeersPerAddress: limit('Maximum number of connections per address (IPv6: per /64); loopback is exempt'),
  maxJoinsPerMinute: limit('Maximum joins per minute and address (IPv6: per /64); loopback is exempt'),
  maxPendingHandshakes: Type.Integer({
    minimum: 1, maximum: 1 << 20, description: 'Maximum number of pending handshakes'
  }),
  maxPacketsPerSecond: rate('packets'),
  maxBytesPerSecond: rate('payload bytes'),
  allowedOrigins: Type.Optional(Type.Union([Type.Literal('*'), Type.Array(Origin)], {
    description: 'Origins whose pages may connect: `*` for all, or a list such as `https://game.example` or ' +
      '`https://*.game.example` (one label); if not set, only the same host. Clients that send no Origin header, ' +
      'such as native games, may always connect'
  })),
  onHandshake: callback<OnHandshake>('Function that accepts or refuses a client. It may return `data` for the peer, ' +
    'which the REST API shows as JSON: a BigInt as a string, a circular reference as `[circular]`'),
  log: Type.Optional(Type.Refine(
    Type.Unsafe<Logger>({
      description: 'Logger with the methods `debug`, `info`, `warn` and `error` of pino; default: the app\'s ' +
        'logger in the plugin, otherwise the console, for warnings and errors'
    }),
    isLogger,
    () => 'must have the methods debug, info, warn and error'
  )),
  holdTime: Type.Number({
    minimum: 0,
    maximum: 1000,
    description: 'Maximum delay of relayed packets in milliseconds, in order to batch them; 0: until the end of the ' +
      'event loop turn'
  })
}, { additionalProperties: false })

/** Applies defaults and validates; throws ERR_INVALID_PARAMETER with the name of the invalid option. */
export function parseOptions (given: Partial<ServerOptions> = {}): ServerOptions {
  const options = { ...defaultOptions, ...withoutUndefined(given) }
  checkOptions('option', ServerOptions, options)
  return checkTogether(options)
}

/** Checks rules that involve several options. */
function checkTogether (options: ServerOptions): ServerOptions {
  const { authenticate, wire, gdMpApi, cluster, autoPoll } = options
  if (authenticate !== undefined) {
    if (wire === 'godot3') throw invalid('authenticate: not supported by Godot 3; use onHandshake, or wire godot4')
    // Otherwise nobody would be checked.
    if (!gdMpApi) throw invalid('authenticate: not supported in plain mode; use onHandshake, or gdMpApi true')
  }
  if (cluster !== undefined && !autoPoll) {
    throw invalid('autoPoll: must be true with cluster, as messages of other nodes do not wait for poll()')
  }
  return options
}

function invalid (why: string): GodotError {
  return new GodotError('ERR_INVALID_PARAMETER', `option ${why}`)
}

function isBindIp (text: string): boolean {
  return text === '*' || (!text.includes('/') && parseAddressRange(text) !== undefined)
}
