import Type, { type Static, type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { parseAddressRange } from './address-range.ts'
import { GodotError } from './error.ts'
import type { Authenticate } from './on-authenticate.ts'
import type { Logger } from './logger.ts'
import type { OnHandshake } from './on-handshake.ts'
import { originFault } from './origin-pattern.ts'

const kib = (direction: string) => Type.Integer({ minimum: 1, maximum: 1 << 20, description: `Bytes of unread packets a peer's ${direction} queue holds, in KiB, rounded up to a power of two` })
const packets = (direction: string) => Type.Integer({ minimum: 1, maximum: 1 << 20, description: `Packets a peer's ${direction} queue holds, rounded up to a power of two` })

const limit = (what: string) => Type.Integer({ minimum: 0, maximum: 1 << 24, description: `${what}; 0: no limit` })
const rate = (what: string) => Type.Number({ minimum: 0, description: `${what} a second that a peer may send; beyond them it is read more slowly, and if that does not help closed with 1008; 0: no limit` })
const pem = (what: string, use: string) => Type.String({ minLength: 1, description: `${what} in PEM: ${use}` })

const isLogger = (value: unknown): boolean => ['debug', 'info', 'warn', 'error'].every(level => isFunction((value as Record<string, unknown> | undefined)?.[level]))
const isFunction = (value: unknown): boolean => typeof value === 'function'

/** Every option of the plugin and of `new WebSocketServer(options)`: name, type, limits and meaning. */
export const ServerOptions = Type.Object({
  name: Type.String({ pattern: '^[A-Za-z_]\\w*$', description: 'Name of the decorator by which the host app has the server; several servers in one app have several names' }),
  path: Type.String({ pattern: '^/', description: 'URL path of the mounted endpoint' }),
  port: Type.Optional(Type.Integer({ minimum: 0, maximum: 65535, description: 'Port of a listener of its own instead of the mounted endpoint; 0: any free one' })),
  bindIp: Type.Refine(Type.String({ description: 'Address that a listener of its own binds to; `*`: all, of both families' }), isBindIp, () => 'must be * or an IP address'),
  privateKey: Type.Optional(pem('Private key', 'makes a listener of its own speak TLS, together with sslCertificate')),
  sslCertificate: Type.Optional(pem('Certificate', 'that of privateKey')),
  caChain: Type.Optional(pem('Certificates', 'those between sslCertificate and the root, sent along with it')),
  protocols: Type.Unsafe<readonly string[]>(Type.Array(Type.String(), {
    description: 'Sub-protocols the server has, best first; none: clients must not ask for one'
  })),
  gdMpApi: Type.Boolean({ description: 'Speak Godot\'s multiplayer protocol: relay between peers, ids, ADD and DEL' }),
  wire: Type.Union([Type.Literal('godot3'), Type.Literal('godot4')], { description: 'The Godot that clients are: whose multiplayer protocol is spoken, and whose Variants' }),
  serverRelay: Type.Boolean({ description: 'Whether peers hear of each other and may send to each other; false: each has only the server' }),
  confirmPath: Type.Union([Type.Literal('id'), Type.Literal('path'), Type.Literal('both')], { description: 'How node paths are confirmed (godot4): by `id` as since Godot 4.3, by `path` as until 4.2, or in both ways' }),
  exactTypes: Type.Boolean({ description: 'Keep Godot\'s types in the arguments of remote calls: a real that is a whole number is a `Float`, so that a value can be sent on unchanged; false: a plain number. `MultiplayerAPI.node` can override it for one node' }),
  authenticate: Type.Optional(Type.Refine(Type.Unsafe<Authenticate>({ description: 'Function that judges what clients send by `send_auth` before they are let in (godot4); without it, none may send it' }), isFunction, () => 'must be a function')),
  authTimeout: Type.Number({ exclusiveMinimum: 0, maximum: 3600, description: 'Seconds a client may take until it is let in by `authenticate`' }),
  handshakeTimeout: Type.Number({ exclusiveMinimum: 0, maximum: 3600, description: 'Seconds a client may take until its handshake is done' }),
  refuseNewConnections: Type.Boolean({ description: 'Refuse every new connection; peers already there stay' }),
  autoListen: Type.Boolean({ description: 'Listen as soon as the app is ready; false: your code or REST calls `listen`' }),
  autoPoll: Type.Boolean({ description: 'Poll by itself; false: nothing is read or signalled outside `poll()`' }),
  inputBufferKb: kib('input'),
  inputMaxPackets: packets('input'),
  outputBufferKb: kib('output'),
  outputMaxPackets: packets('output'),
  closeTimeout: Type.Number({ exclusiveMinimum: 0, maximum: 3600, description: 'Seconds a peer may take to answer a close frame before it is cut' }),
  stopCode: Type.Union([Type.Literal(1001), Type.Literal(1012)], { description: 'Close code that peers are told when the server stops: 1001 it goes away, 1012 it restarts' }),
  pingInterval: Type.Number({ minimum: 0, maximum: 3600, description: 'Seconds after which a silent peer is pinged; one silent for twice as long is cut; 0: never' }),
  perMessageDeflate: Type.Boolean({ description: 'Agree to permessage-deflate (RFC 7692), without memory from message to message: clients may compress what they send, and what goes to one of them by `putPacket` is compressed from 1 KiB on; what goes to many is not' }),
  maxPeers: limit('Peers at most'),
  maxPeersPerAddress: limit('Connections from one address (of IPv6: from one /64) at most; this machine itself has no limit'),
  maxJoinsPerMinute: limit('Times a minute that clients of one address (of IPv6: of one /64) may join; loopback is exempt'),
  maxPendingHandshakes: Type.Integer({ minimum: 1, maximum: 1 << 20, description: 'Handshakes under way at most' }),
  maxPacketsPerSecond: rate('Packets'),
  maxBytesPerSecond: rate('Payload bytes'),
  allowedOrigins: Type.Optional(Type.Union([Type.Literal('*'), Type.Array(Type.Refine(Type.String(), text => originFault(text) === undefined, text => originFault(text)!))],
    { description: 'Origins whose pages may connect: `*` for all, else a list such as `https://game.example` or `https://*.game.example` (one label); not set: only the same host. Clients without an origin (no browser) may always connect' })),
  onHandshake: Type.Optional(Type.Refine(Type.Unsafe<OnHandshake>({ description: 'Function that decides who may join. The `data` it gives are the peer\'s, whatever they are; REST shows of them what JSON can: a BigInt as text, what contains itself as `[circular]`' }), isFunction, () => 'must be a function')),
  log: Type.Optional(Type.Refine(Type.Unsafe<Logger>({ description: 'Logger with the methods `debug`, `info`, `warn` and `error` of pino; warnings and errors go to the console without one, to the app\'s logger in the plugin' }), isLogger, () => 'must have the methods debug, info, warn and error')),
  holdTime: Type.Number({ minimum: 0, maximum: 1000, description: 'Milliseconds a relayed packet may wait for others; 0: until the end of the loop turn' })
}, { additionalProperties: false })

/** The options, all of them filled in. */
export type ServerOptions = Static<typeof ServerOptions>

/** What applies where an option is not given. */
export const defaultOptions: ServerOptions = {
  name: 'peerServer',
  path: '/ws',
  bindIp: '*',
  protocols: [],
  gdMpApi: false,
  wire: 'godot3',
  serverRelay: true,
  confirmPath: 'id',
  exactTypes: false,
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
  maxJoinsPerMinute: 0,
  maxPendingHandshakes: 1024,
  maxPacketsPerSecond: 0,
  maxBytesPerSecond: 0,
  holdTime: 0
}

/** Fills what is missing and checks the rest; ERR_INVALID_PARAMETER names the culprit. */
export function parseOptions (given: Partial<ServerOptions> = {}): ServerOptions {
  const options = { ...defaultOptions, ...withoutUndefined(given) }
  if (Value.Check(ServerOptions, options)) return checkTogether(options)
  const unknown = Object.keys(options).find(name => !(name in ServerOptions.properties))
  if (unknown !== undefined) throw new GodotError('ERR_INVALID_PARAMETER', `option ${unknown}: no such option`)
  const { instancePath, message } = firstFault(ServerOptions, options)
  throw new GodotError('ERR_INVALID_PARAMETER', `option ${instancePath.slice(1).replaceAll('/', '.')}: ${message}`)
}

/** The first fault of a value: of a union the one inside an alternative, else what the alternatives expect. */
export function firstFault (schema: TSchema, value: unknown): { readonly instancePath: string, readonly message: string } {
  const errors = Value.Errors(schema, value)
  const { instancePath, message } = errors[0]
  const sameValue = errors.filter(error => error.instancePath === instancePath)
  if (sameValue.at(-1)!.keyword !== 'anyOf') return { instancePath, message }
  const inside = errors.find(error => error.instancePath.startsWith(`${instancePath}/`))
  const expected = sameValue.slice(0, -1)
    // The type of a constant adds nothing to the constant.
    .filter(({ keyword }, at) => keyword !== 'type' || sameValue[at + 1].keyword !== 'const')
    .map(error => error.keyword === 'const' ? `must be ${JSON.stringify(error.params.allowedValue)}` : error.message)
  return inside ?? { instancePath, message: [...new Set(expected)].join(' or ') }
}

/** What one option asks of another. */
function checkTogether (options: ServerOptions): ServerOptions {
  if (options.authenticate !== undefined && options.wire === 'godot3') throw new GodotError('ERR_INVALID_PARAMETER', 'option authenticate: Godot 3 knows no authentication; use onHandshake, or wire godot4')
  return options
}

function withoutUndefined (given: Partial<ServerOptions>): Partial<ServerOptions> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

function isBindIp (text: string): boolean {
  return text === '*' || (!text.includes('/') && parseAddressRange(text) !== undefined)
}
