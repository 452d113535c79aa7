import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'
import { parseAddressRange } from './address-range.ts'
import { GodotError } from './error.ts'

const kib = (direction: string) => Type.Integer({ minimum: 1, maximum: 1 << 20, description: `Bytes of unread packets a peer's ${direction} queue holds, in KiB, rounded up to a power of two` })
const packets = (direction: string) => Type.Integer({ minimum: 1, maximum: 1 << 20, description: `Packets a peer's ${direction} queue holds, rounded up to a power of two` })

const pem = (what: string, use: string) => Type.String({ minLength: 1, description: `${what} in PEM: ${use}` })

/** Every option of the plugin and of `new WebSocketServer(options)`: name, type, limits and meaning. */
export const ServerOptions = Type.Object({
  path: Type.String({ pattern: '^/', description: 'URL path of the mounted endpoint' }),
  port: Type.Optional(Type.Integer({ minimum: 0, maximum: 65535, description: 'Port of a listener of its own instead of the mounted endpoint; 0: any free one' })),
  bindIp: Type.Refine(Type.String({ description: 'Address that a listener of its own binds to; `*`: all, of both families' }), isBindIp, () => 'must be * or an IP address'),
  privateKey: Type.Optional(pem('Private key', 'makes a listener of its own speak TLS, together with sslCertificate')),
  sslCertificate: Type.Optional(pem('Certificate', 'that of privateKey')),
  caChain: Type.Optional(pem('Certificates', 'those between sslCertificate and the root, sent along with it')),
  protocols: Type.Array(Type.String(), { description: 'Sub-protocols the server has, best first; none: clients must not ask for one' }),
  gdMpApi: Type.Boolean({ description: 'Speak Godot\'s multiplayer protocol: relay between peers, ids, ADD and DEL' }),
  handshakeTimeout: Type.Number({ exclusiveMinimum: 0, maximum: 3600, description: 'Seconds a client may take until its handshake is done' }),
  refuseNewConnections: Type.Boolean({ description: 'Refuse every new connection; peers already there stay' }),
  autoListen: Type.Boolean({ description: 'Listen as soon as the app is ready; false: your code or REST calls `listen`' }),
  autoPoll: Type.Boolean({ description: 'Poll by itself; false: nothing is read or signalled outside `poll()`' }),
  inputBufferKb: kib('input'),
  inputMaxPackets: packets('input'),
  outputBufferKb: kib('output'),
  outputMaxPackets: packets('output'),
  closeTimeout: Type.Number({ exclusiveMinimum: 0, maximum: 3600, description: 'Seconds a peer may take to answer a close frame before it is cut' }),
  holdTime: Type.Number({ minimum: 0, maximum: 1000, description: 'Milliseconds a relayed packet may wait for others; 0: until the end of the loop turn' })
}, { additionalProperties: false })

/** The options, all of them filled in. */
export type ServerOptions = Static<typeof ServerOptions>

/** What applies where an option is not given. */
export const defaultOptions: ServerOptions = {
  path: '/ws',
  bindIp: '*',
  protocols: [],
  gdMpApi: false,
  handshakeTimeout: 3,
  refuseNewConnections: false,
  autoListen: true,
  autoPoll: true,
  inputBufferKb: 64,
  inputMaxPackets: 1024,
  outputBufferKb: 64,
  outputMaxPackets: 1024,
  closeTimeout: 2,
  holdTime: 0
}

/** Fills what is missing and checks the rest; ERR_INVALID_PARAMETER names the culprit. */
export function parseOptions (given: Partial<ServerOptions> = {}): ServerOptions {
  const options = { ...defaultOptions, ...withoutUndefined(given) }
  if (Value.Check(ServerOptions, options)) return options
  const unknown = Object.keys(options).find(name => !(name in ServerOptions.properties))
  if (unknown !== undefined) throw new GodotError('ERR_INVALID_PARAMETER', `option ${unknown}: no such option`)
  const [first] = Value.Errors(ServerOptions, options)
  throw new GodotError('ERR_INVALID_PARAMETER', `option ${first.instancePath.slice(1).replaceAll('/', '.')}: ${first.message}`)
}

function withoutUndefined (given: Partial<ServerOptions>): Partial<ServerOptions> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

function isBindIp (text: string): boolean {
  return text === '*' || (!text.includes('/') && parseAddressRange(text) !== undefined)
}
