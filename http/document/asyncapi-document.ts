import { internalsOf } from '../../src/core/server/internals.ts'
import { MAIN } from '../../src/core/room/room-name.ts'
import type { NamedServer, WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { errors } from '../../src/error.ts'
import { ServerOptions } from '../../src/options/options.ts'
import { namePattern } from '../../src/options/patterns.ts'
import { license, version } from '../../src/package-info.ts'
import { MAX_REASON_BYTES } from '../../src/protocol/websocket/close-code.ts'
import { closeCodes, type Field, type Mode, type ModeName, modes, type SocketMessage } from './asyncapi-messages.ts'
import { endpointSchema } from '../upgrade/endpoint-schema.ts'

/** Where clients of a server connect to; `prefix` is what proxies strip from their paths. */
export interface Location {
  readonly name: string
  readonly host: string
  readonly prefix: string
  readonly isTls: boolean
}

type Json = Readonly<Record<string, unknown>>
type Options = WebSocketServer['options']

const description =
  `The WebSocket side of Godot's WebSocketServer. Operations are those of the server: it receives what clients send.

Messages of the multiplayer modes are binary and little-endian. Payloads are shown in hex, with the layout of their
bytes in \`x-layout\`. A message of any other form is dropped; the peer stays connected. \`x-limits\` are the values
that the server runs with. When the application's \`onHandshake\` refuses a client, it chooses the status: 400 to 599.`

const received = 'What the server receives. It drops messages of any other form, and the peer stays connected.'
const sent = 'What the server sends: its own packets, and those that it relays from other clients.'
const tags = [{ name: 'godot', description: 'Multiplayer of Godot 3 and 4, and plain WebSockets' }]

function licenseOf (name: string): Json {
  return { name, url: `https://spdx.org/licenses/${name}.html` }
}

/** The options that limit what a client may do. */
const limits = [
  'handshakeTimeout', 'authTimeout', 'maxPeers', 'maxPeersPerAddress', 'maxJoinsPerMinute', 'maxPendingHandshakes',
  'allowedOrigins', 'inputBufferKb', 'inputMaxPackets', 'outputBufferKb', 'outputMaxPackets', 'maxPacketsPerSecond',
  'maxBytesPerSecond', 'pingInterval', 'closeTimeout', 'perMessageDeflate', 'serverRelay', 'rooms'
] as const satisfies ReadonlyArray<keyof ServerOptions>

/**
 * The AsyncAPI document of running servers without the member `servers`: handshakes, messages, close codes and limits.
 */
export function describeSockets (servers: readonly NamedServer[]): Json {
  return {
    asyncapi: '3.0.0',
    info: { title: 'Peer server: WebSocket', version, description, license: licenseOf(license), tags },
    defaultContentType: 'application/octet-stream',
    channels: Object.fromEntries(servers.map(({ name, server }) => [name, describeChannel(name, server)])),
    operations: Object.fromEntries(servers.flatMap(describeOperations)),
    'x-close-codes': closeCodes,
    'x-close-reason': {
      maxBytes: MAX_REASON_BYTES,
      description: 'In UTF-8. An application may also close with 3000 to 4999'
    }
  }
}

/** What the description of a server depends on, as JSON; other options, such as a logger, may have cycles. */
export function describedState ({ server }: NamedServer): unknown[] {
  const { mode, options } = server
  const { settings: { maxMessageSize }, listening: { path } } = internalsOf(server)
  const { gdMpApi, wire, protocols } = options
  return [mode, path, maxMessageSize, gdMpApi, wire, protocols, limits.map(option => options[option] ?? null)]
}

/** The member `servers` of the document. */
export function describeLocations (locations: readonly Location[]): Json {
  return Object.fromEntries(locations.map(({ name, host, prefix, isTls }) => [name, {
    host,
    ...(prefix === '' ? {} : { pathname: prefix }),
    protocol: isTls ? 'wss' : 'ws'
  }]))
}

function modeOf ({ gdMpApi, wire }: Options): ModeName {
  return gdMpApi ? wire : 'plain'
}

const { headers } = endpointSchema

function describeChannel (name: string, server: WebSocketServer): Json {
  const { options } = server
  const { maxMessageSize } = internalsOf(server).settings
  const { title, about, messages }: Mode = modes[modeOf(options)]
  return {
    ...addressOf(server),
    title,
    description: about,
    servers: [{ $ref: `#/servers/${name}` }],
    messages: Object.fromEntries(messages.map(message => [message.name, describeMessage(message, maxMessageSize)])),
    bindings: { ws: { method: 'GET', headers, query: queryOf(options), bindingVersion: '0.1.0' } },
    'x-sub-protocols': { names: options.protocols, description: meaningOf('protocols') },
    'x-max-message-bytes': maxMessageSize,
    'x-limits': Object.fromEntries(limits.map(option => [option, {
      value: options[option] ?? null,
      description: meaningOf(option)
    }])),
    'x-refusals': refusals
  }
}

const room = `Room that the client enters; \`${MAIN}\` is always there`

/** Path of the endpoint. A listener of its own accepts any path, but finds the room only below option `path`. */
function addressOf (server: WebSocketServer): Json {
  const { mode, options: { rooms } } = server
  const { path } = internalsOf(server).listening
  if (rooms === false) return { address: mode === 'mounted' ? path : '/' }
  return {
    address: `${path.replace(/\/$/, '')}/{room}`,
    parameters: { room: { default: MAIN, description: `${room}. At \`${path}\` query parameter \`room\` names it` } }
  }
}

const token = {
  type: 'string',
  description: 'Token for the application\'s `onHandshake`, where headers cannot be set; also `access_token`'
}
const roomInQuery = { type: 'string', pattern: namePattern, description: `${room}. The path takes precedence` }

function queryOf ({ rooms }: Options): Json {
  return { type: 'object', properties: rooms === false ? { token } : { token, room: roomInQuery } }
}

function meaningOf (option: keyof ServerOptions): string | undefined {
  return (ServerOptions.properties[option] as { description?: string }).description
}

/**
 * How a handshake is refused: with a problem document (RFC 9457). Handshake errors are those without a Godot error
 * number, except those of the lobby.
 */
const refusals = Object.entries<{ number?: number, status: number, message: string, isLobby?: true }>(errors)
  .filter(([, { number, isLobby = false }]) => number === undefined && !isLobby).map(([code, { status, message }]) => ({
    status,
    code,
    description: message
  }))

function describeOperations ({ name, server }: NamedServer): Array<[name: string, operation: Json]> {
  const { title, messages } = modes[modeOf(server.options)]
  return ([['receive', 'client'], ['send', 'server']] as const).map(([action, side]) => [`${name}.${action}`, {
    action,
    channel: { $ref: `#/channels/${name}` },
    summary: `${title}: messages from the ${side}`,
    description: action === 'receive' ? received : sent,
    messages: messages.filter(({ from }) => from === side || from === 'both').map(message => ({
      $ref: `#/channels/${name}/messages/${message.name}`
    }))
  }])
}

function describeMessage ({ name, about, fields, example }: SocketMessage, maxBytes: number): Json {
  const base = { name, summary: about, examples: [{ payload: typeof example === 'string' ? example : hex(example) }] }
  if (fields === undefined) {
    return { ...base, contentType: 'text/plain', payload: { type: 'string', maxLength: maxBytes } }
  }
  const payload = { type: 'string', contentEncoding: 'base16', pattern: patternOf(fields), maxLength: 2 * maxBytes }
  return { ...base, contentType: 'application/octet-stream', payload, 'x-layout': layoutOf(fields) }
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
