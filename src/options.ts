import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'
import { parseAddressRange } from './address-range.ts'
import { GodotError } from './error.ts'
import type { Authenticate } from './on-authenticate.ts'
import type { OnHandshake } from './on-handshake.ts'

const LIMIT_MAX = 1 << 24
const SECONDS_MAX = 3600

const kib = (description: string) => Type.Integer({ minimum: 1, maximum: 1 << 20, description: `${description}, rounded up to a power of two` })
const limit = (description: string) => Type.Integer({ minimum: 0, maximum: LIMIT_MAX, description: `${description}; 0: no limit` })
const seconds = (description: string) => Type.Number({ exclusiveMinimum: 0, maximum: SECONDS_MAX, description })
const pem = (description: string) => Type.String({ minLength: 1, description })
const rate = (what: string) => Type.Number({
  minimum: 0,
  description: `Maximum ${what} per second from one peer. A peer that exceeds it is read more slowly, and closed with 1008 if that does not help; 0: no limit`
})

const isFunction = (value: unknown): boolean => typeof value === 'function'

/** Every option of the plugin and of `new WebSocketServer(options)`: type, limits and meaning. */
export const ServerOptions = Type.Object({
  name: Type.String({ pattern: '^[A-Za-z_]\\w*$', description: 'Name of the decorator by which the host app accesses the server; several servers of one app need different names' }),
  path: Type.String({ pattern: '^/', description: 'URL path of the mounted endpoint' }),
  port: Type.Optional(Type.Integer({ minimum: 0, maximum: 65535, description: 'Port of a listener of its own, instead of the mounted endpoint; 0: any free port' })),
  bindIp: Type.Refine(Type.String({ description: 'Address that a listener of its own binds to; `*`: all addresses, IPv4 and IPv6' }), isBindIp, () => 'must be * or an IP address'),
  privateKey: Type.Optional(pem('Private key in PEM: a listener of its own uses TLS, together with sslCertificate')),
  sslCertificate: Type.Optional(pem('Certificate of privateKey, in PEM')),
  caChain: Type.Optional(pem('Intermediate certificates between sslCertificate and the root, in PEM')),
  protocols: Type.Array(Type.String(), { description: 'Supported subprotocols, preferred first; empty: clients must not request one' }),
  gdMpApi: Type.Boolean({ description: 'Use Godot\'s multiplayer protocol: relay between peers, ids, ADD and DEL' }),
  wire: Type.Union([Type.Literal('godot3'), Type.Literal('godot4')], { description: 'Godot version of the clients: selects the multiplayer protocol and the Variant encoding' }),
  serverRelay: Type.Boolean({ description: 'Whether peers learn of each other and may send to each other; false: each communicates only with the server' }),
  confirmPath: Type.Union([Type.Literal('id'), Type.Literal('path'), Type.Literal('both')], { description: 'How node paths are confirmed (godot4): by `id` as since Godot 4.3, by `path` as until 4.2, or both' }),
  authenticate: Type.Optional(Type.Refine(Type.Unsafe<Authenticate>({ description: 'Function that checks what clients send with `send_auth` before they join (godot4); without it clients must not send any' }), isFunction, () => 'must be a function')),
  authTimeout: seconds('Seconds a client may take to be accepted by `authenticate`'),
  handshakeTimeout: seconds('Seconds a client may take to complete its handshake'),
  refuseNewConnections: Type.Boolean({ description: 'Refuse every new connection; connected peers stay' }),
  autoListen: Type.Boolean({ description: 'Listen as soon as the app is ready; false: your code or the REST API calls `listen`' }),
  autoPoll: Type.Boolean({ description: 'Poll automatically; false: nothing is read or signalled outside `poll()`' }),
  inputBufferKb: kib('Size of a peer\'s input queue of unread packets, in KiB'),
  inputMaxPackets: kib('Packets that a peer\'s input queue holds'),
  outputBufferKb: kib('Size of a peer\'s output queue of unsent packets, in KiB'),
  outputMaxPackets: kib('Packets that a peer\'s output queue holds'),
  closeTimeout: seconds('Seconds a peer may take to answer a close frame before its connection is cut'),
  stopCode: Type.Union([Type.Literal(1001), Type.Literal(1012)], { description: 'Close code for peers when the server stops: 1001 going away, 1012 restarting' }),
  pingInterval: Type.Number({ minimum: 0, maximum: SECONDS_MAX, description: 'Seconds of silence after which a peer is pinged; after twice that time it is disconnected; 0: never' }),
  perMessageDeflate: Type.Boolean({ description: 'Negotiate permessage-deflate (RFC 7692) without context takeover: clients may compress their messages, and packets of 1 KiB or more sent to a single peer with `putPacket` are compressed; broadcasts are not' }),
  maxPeers: limit('Maximum number of peers'),
  maxPeersPerAddress: limit('Maximum number of connections from one address (IPv6: from one /64); loopback addresses have no limit'),
  maxPendingHandshakes: Type.Integer({ minimum: 1, maximum: 1 << 20, description: 'Maximum number of pending handshakes' }),
  maxPacketsPerSecond: rate('packets'),
  maxBytesPerSecond: rate('payload bytes'),
  allowedOrigins: Type.Optional(Type.Union([Type.Literal('*'), Type.Array(Type.Refine(Type.String(), isOrigin, () => 'must be *, null or an origin such as https://game.example'))],
    { description: 'Origins whose pages may connect, `*` for all; unset: pages of the same host. Clients that are not browsers send no origin and are allowed' })),
  onHandshake: Type.Optional(Type.Refine(Type.Unsafe<OnHandshake>({ description: 'Function that accepts or rejects each client. The `data` that it returns belong to the peer; REST shows the part that JSON can represent: a BigInt as text, a circular reference as `[circular]`' }), isFunction, () => 'must be a function')),
  holdTime: Type.Number({ minimum: 0, maximum: 1000, description: 'Milliseconds a relayed packet may wait to be sent together with others; 0: until the end of the event loop turn' })
}, { additionalProperties: false })

/** All options with their values. */
export type ServerOptions = Static<typeof ServerOptions>

/** Default values. */
export const defaultOptions: ServerOptions = {
  name: 'peerServer',
  path: '/ws',
  bindIp: '*',
  protocols: [],
  gdMpApi: false,
  wire: 'godot3',
  serverRelay: true,
  confirmPath: 'id',
  authTimeout: 3,
  handshakeTimeout: 3,
  refuseNewConnections: false,
  autoListen: true,
  autoPoll: true,
  inputBufferKb: 64,
  inputMaxPackets: 1024,
  outputBufferKb: 64,
  outputMaxPackets: 1024,
  closeTimeout: 2,
  stopCode: 1001,
  pingInterval: 10,
  perMessageDeflate: false,
  maxPeers: 0,
  maxPeersPerAddress: 50,
  maxPendingHandshakes: 1024,
  maxPacketsPerSecond: 0,
  maxBytesPerSecond: 0,
  holdTime: 0
}

/** The options with defaults for those that are not set; throws ERR_INVALID_PARAMETER, which names the invalid option. */
export function parseOptions (given: Partial<ServerOptions> = {}): ServerOptions {
  const options = { ...defaultOptions, ...withoutUndefined(given) }
  if (Value.Check(ServerOptions, options)) return checkTogether(options)
  const unknown = Object.keys(options).find(name => !(name in ServerOptions.properties))
  if (unknown !== undefined) throw new GodotError('ERR_INVALID_PARAMETER', `option ${unknown}: no such option`)
  const [first] = Value.Errors(ServerOptions, options)
  throw new GodotError('ERR_INVALID_PARAMETER', `option ${first.instancePath.slice(1).replaceAll('/', '.')}: ${first.message}`)
}

/** Checks that options fit each other. */
function checkTogether (options: ServerOptions): ServerOptions {
  if (options.authenticate !== undefined && options.wire === 'godot3') {
    throw new GodotError('ERR_INVALID_PARAMETER', 'option authenticate: Godot 3 has no authentication; use onHandshake, or wire godot4')
  }
  return options
}

function withoutUndefined (given: Partial<ServerOptions>): Partial<ServerOptions> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

function isBindIp (text: string): boolean {
  return text === '*' || (!text.includes('/') && parseAddressRange(text) !== undefined)
}

/** A value that a browser may send as `Origin`; any other would never match. */
function isOrigin (text: string): boolean {
  return /^(\*|null|[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+)$/i.test(text)
}
