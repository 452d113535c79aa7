import { createRequire } from 'node:module'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { powerOfTwo } from '../src/core/server/power-of-two.ts'
import type { WebSocketServer } from '../src/core/server/websocket-server.ts'
import { errors } from '../src/error.ts'
import { parseOptions, ServerOptions } from '../src/options.ts'
import { MAX_REASON_BYTES } from '../src/protocol/websocket/close-code.ts'
import { relayWire4 } from '../src/protocol/multiplayer/relay-wire4.ts'
import { closeCodes, type Field, type Mode, type ModeName, modes, type SocketMessage } from './asyncapi-messages.ts'
import { endpointSchema } from './endpoint-schema.ts'

/** A server as the document describes it: what it was made with, and where its clients connect to. */
export interface DescribedServer { readonly name: string, readonly options: ServerOptions, readonly host: string, readonly isTls: boolean }

type Json = Readonly<Record<string, unknown>>

const { version, license } = createRequire(import.meta.url)('fastify-peer-server/package.json') as { version: string, license: string }

const description = `The socket side of Godot's WebSocketServer. Operations are those of the server: it receives what clients send.

Messages of the multiplayer modes are binary and little-endian; payloads are shown in hex, with the layout of their bytes in \`x-layout\`. A
message that is none of these is dropped, and the peer stays. The numbers in \`x-limits\` are those that the server runs with. What the
application's \`onHandshake\` refuses has the status that it chooses, 400 to 599.`

/** The options that say how far a client may go. */
const limits = ['handshakeTimeout', 'authTimeout', 'maxPeers', 'maxPeersPerAddress', 'maxJoinsPerMinute', 'maxPendingHandshakes', 'allowedOrigins', 'inputBufferKb', 'inputMaxPackets', 'outputBufferKb', 'outputMaxPackets',
  'maxPacketsPerSecond', 'maxBytesPerSecond', 'pingInterval', 'closeTimeout', 'perMessageDeflate', 'serverRelay'] as const satisfies ReadonlyArray<keyof ServerOptions>

/** The AsyncAPI document of these servers: handshakes, messages, close codes and limits. */
export function describeSockets (servers: readonly DescribedServer[]): Json {
  return {
    asyncapi: '3.0.0',
    info: { title: 'Peer server: the socket', version, description, license: { name: license } },
    defaultContentType: 'application/octet-stream',
    servers: Object.fromEntries(servers.map(({ name, host, isTls }) => [name, { host, protocol: isTls ? 'wss' : 'ws' }])),
    channels: Object.fromEntries(servers.map(server => [server.name, channelOf(server)])),
    operations: Object.fromEntries(servers.flatMap(operationsOf)),
    'x-close-codes': closeCodes,
    'x-close-reason': { maxBytes: MAX_REASON_BYTES, description: 'In UTF-8. An application may close with 3000 to 4999 too' }
  }
}

function modeOf ({ gdMpApi, wire }: ServerOptions): ModeName {
  return gdMpApi ? wire : 'plain'
}

function channelOf ({ name, options }: DescribedServer): Json {
  const { title, about, messages }: Mode = modes[modeOf(options)]
  const maxBytes = powerOfTwo(options.inputBufferKb * 1024) - (modeOf(options) === 'godot4' ? relayWire4.slack : 0)
  return {
    // A listener of its own takes every path.
    address: options.port === undefined ? options.path : '/',
    title,
    description: about,
    servers: [{ $ref: `#/servers/${name}` }],
    messages: Object.fromEntries(messages.map(message => [message.name, messageOf(message, maxBytes)])),
    bindings: { ws: { method: 'GET', headers: endpointSchema.headers, query, bindingVersion: '0.1.0' } },
    'x-sub-protocols': { names: options.protocols, description: meaningOf('protocols') },
    'x-max-message-bytes': maxBytes,
    'x-limits': Object.fromEntries(limits.map(option => [option, { value: options[option] ?? null, description: meaningOf(option) }])),
    'x-refusals': refusals
  }
}

const query = {
  type: 'object',
  properties: { token: { type: 'string', description: 'Token for the application\'s `onHandshake`, where headers cannot be set; also `access_token`' } }
}

function meaningOf (option: keyof ServerOptions): string | undefined {
  return (ServerOptions.properties[option] as { description?: string }).description
}

/** How a handshake is refused: an HTTP answer with a problem (RFC 9457). Errors of the handshake are those without a number of Godot's. */
const refusals = Object.entries<{ number?: number, status: number, message: string }>(errors)
  .filter(([, { number }]) => number === undefined).map(([code, { status, message }]) => ({ status, code, description: message }))

function operationsOf ({ name, options }: DescribedServer): Array<[name: string, operation: Json]> {
  const { title, messages } = modes[modeOf(options)]
  return ([['receive', 'client'], ['send', 'server']] as const).map(([action, side]) => [`${name}.${action}`, {
    action,
    channel: { $ref: `#/channels/${name}` },
    summary: `${title}: what the ${side} sends`,
    messages: messages.filter(({ from }) => from === side || from === 'both').map(message => ({ $ref: `#/channels/${name}/messages/${message.name}` }))
  }])
}

function messageOf ({ name, about, fields, example }: SocketMessage, maxBytes: number): Json {
  const isText = fields === undefined
  return {
    name,
    summary: about,
    contentType: isText ? 'text/plain' : 'application/octet-stream',
    payload: isText ? { type: 'string', maxLength: maxBytes } : { type: 'string', contentEncoding: 'base16', pattern: patternOf(fields), maxLength: 2 * maxBytes },
    examples: [{ payload: typeof example === 'string' ? example : hex(example) }],
    ...(isText ? {} : { 'x-layout': layoutOf(fields) })
  }
}

const sizes = { u8: 1, i32: 4, bytes: 0 } as const

/** The fields with their offsets. */
function layoutOf (fields: readonly Field[]): Json[] {
  let offset = 0
  return fields.map(({ name, type, about, ...more }) => {
    const field = { offset, name, type, ...more, ...(about === undefined ? {} : { description: about }) }
    offset += sizes[type]
    return field
  })
}

/** A regular expression for the message in hex. */
function patternOf (fields: readonly Field[]): string {
  return `^${fields.map(({ type, value, lowBits, minLength = 0 }) => {
    if (lowBits !== undefined) return `[0-9a-f][${digits.filter((_, digit) => lowBits.includes(digit & 7)).join('')}]`
    if (value !== undefined) return hex(bytesOf(type, value))
    return type === 'bytes' ? `([0-9a-f]{2}){${minLength},}` : `[0-9a-f]{${2 * sizes[type]}}`
  }).join('')}$`
}

const digits = [...'0123456789abcdef']

function bytesOf (type: Field['type'], value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer, 0, sizes[type])
}

function hex (bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** Adds the AsyncAPI document of the servers at /asyncapi.json, each as it is now. */
export default fp<{ servers: ReadonlyArray<Partial<ServerOptions> & { readonly name: string }> }>(async (app, { servers }) => {
  const described = (given: typeof servers[number], request: FastifyRequest): DescribedServer => {
    const server = app.getDecorator<WebSocketServer>(given.name)
    const { protocols, gdMpApi, handshakeTimeout, mode, port, tls } = server
    const isMounted = mode === 'mounted'
    return {
      name: given.name,
      options: { ...parseOptions(given), protocols: [...protocols], gdMpApi, handshakeTimeout },
      host: isMounted ? request.host : `${request.hostname}:${port}`,
      isTls: isMounted ? request.protocol === 'https' : tls
    }
  }
  app.get('/asyncapi.json', { schema: { hide: true } }, async request => describeSockets(servers.map(server => described(server, request))))
}, { name: 'peer-server-asyncapi', fastify: '5.x' })
