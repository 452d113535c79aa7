import { readFileSync } from 'node:fs'
import { parseAddressRange } from './address-range.ts'
import { PublicUrl } from './options/lobby-options.ts'
import { namedTokenFault } from './named-token.ts'
import { defaultOptions } from './options/defaults.ts'
import { MAX_LIMIT } from './options/maximums.ts'
import { clusterOptions, roomRules, ServerOptions } from './options/options.ts'
import { pathPattern } from './options/patterns.ts'
import { Origin, refinedBy } from './options/refined-by.ts'
import { Schema, Type, type TSchema } from './typebox.ts'

/** An environment variable of the service: how its text is parsed, the schema of its value, and its default. */
export interface Variable {
  readonly parse: (text: string) => unknown
  readonly schema: TSchema
  readonly defaultValue?: unknown
  /** What its text is, if the schema does not say. */
  readonly textType?: 'path of a file'
  /** When it has an effect, if the schema does not say. */
  readonly condition?: string | undefined
  /** The server option that it sets. */
  readonly option?: keyof ServerOptions
  /** The member of option `rooms` that it sets. */
  readonly roomRule?: RoomRule
  /** The member of option `cluster` that it sets. */
  readonly clusterOption?: ClusterOption
}

type RoomRule = keyof typeof roomRules.properties
type ClusterOption = keyof typeof clusterOptions.properties

/** Variables of the members of option `rooms`; ROOMS itself has `create`. */
const roomRuleNames: Partial<Record<RoomRule, string>> = {
  maxRooms: 'MAX_ROOMS',
  maxPeersPerRoom: 'MAX_PEERS_PER_ROOM',
  emptyTimeout: 'ROOM_EMPTY_TIMEOUT',
  joinPerMinute: 'ROOMS_PER_MINUTE'
}

/** Variables of the members of option `cluster`; `tls` has NATS_CA. */
const clusterOptionNames: Partial<Record<ClusterOption, string>> = {
  namespace: 'CLUSTER_NAMESPACE',
  nodeId: 'NODE_ID',
  credentials: 'NATS_CREDS',
  user: 'NATS_USER',
  password: 'NATS_PASSWORD',
  token: 'NATS_TOKEN',
  replicas: 'CLUSTER_REPLICAS',
  onBrokerLoss: 'ON_BROKER_LOSS',
  onGap: 'ON_GAP'
}

/** Variables whose name does not follow from that of their option. */
const names: Partial<Record<keyof ServerOptions, string>> = {
  path: 'WS_PATH',
  protocols: 'WS_PROTOCOLS',
  wire: 'WS_WIRE',
  port: 'WS_PORT',
  privateKey: 'TLS_KEY',
  sslCertificate: 'TLS_CERT',
  caChain: 'TLS_CA'
}

/** Options whose variable names a PEM file that contains their value. */
const files: Partial<Record<keyof ServerOptions, string>> = {
  privateKey: 'PEM file with the private key; only with WS_PORT',
  sslCertificate: 'PEM file with the certificate of TLS_KEY; only with WS_PORT',
  caChain: 'PEM file with the intermediate certificates between TLS_CERT and the root; only with WS_PORT'
}

/** When variables have an effect, if the descriptions of their options do not say. */
const conditions: Partial<Record<keyof ServerOptions, string>> = { bindIp: 'only with WS_PORT' }

/** Options without a variable, and why. Options that are functions have none either. */
const excluded: Partial<Record<keyof ServerOptions, string>> = {
  name: 'the service names its servers itself',
  autoPoll: 'the service does not call poll()',
  authTimeout: 'has no effect without the function `authenticate`',
  exactTypes: 'has no effect without code that reads arguments of remote calls'
}

/** Defaults for a public relay, which differ from those of the plugin. */
const serviceDefaults: Readonly<Record<string, unknown>> = {
  gdMpApi: true,
  maxPacketsPerSecond: 1000,
  maxBytesPerSecond: 1 << 20,
  maxJoinsPerMinute: 120
}

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']

/** Every variable of the service, by its name. */
export const variables: Readonly<Record<string, Variable>> = {
  HOST: {
    ...variable(Type.String({ description: 'Address to listen on' }), '127.0.0.1'),
    // An IPv6 address may be in brackets, as in a URL.
    parse: text => text.replace(/^\[(.*)\]$/, '$1')
  },
  PORT: variable(Type.Integer({
    minimum: 0,
    maximum: 65535,
    description: 'Port to listen on; 0: any free port'
  }), 3000),
  ADMIN_TOKEN: variable(Type.String({
    description: 'Bearer token of the REST API, with role `admin`. It or ADMIN_TOKENS is required if HOST is not a ' +
      'loopback address. Tokens are printable ASCII; there, and with NODE_ENV=production, they need at least 32 ' +
      'characters'
  })),
  ADMIN_TOKENS: {
    ...variable(tokenList('Additional tokens of the REST API, comma-separated: `name:role:token`, where the role ' +
      'is `read`, `operate` or `admin`')),
    parse: parseList
  },
  ADMIN_TOKENS_FILE: {
    ...variable(tokenList('File with such tokens, one in each line; empty lines and lines that begin with `#` are ' +
      'ignored')),
    textType: 'path of a file',
    parse: path => readFileSync(path, 'utf8').split('\n').map(line => line.trim())
      .filter(line => line !== '' && !line.startsWith('#'))
  },
  ADMIN_ORIGINS: {
    ...variable(Type.Array(Origin, {
      description: 'Origins whose pages may use the REST API (CORS): `*` for all, or a list such as ' +
        '`https://ops.example`; needs a token'
    })),
    parse: parseList
  },
  STATE_FILE: {
    ...variable(Type.String({
      description: 'JSON file that keeps bans and settings that were changed at run time over a restart; they take ' +
        'precedence over the variables'
    })),
    textType: 'path of a file'
  },
  ...Object.fromEntries(Object.keys(ServerOptions.properties).flatMap(name => variableOf(name as keyof ServerOptions))),
  ROOMS: {
    ...variable(Type.Enum(['false', 'true', 'admin'], {
      description: 'Whether the server has several rooms, chosen by the client\'s URL: true (the first client opens ' +
        'a room), admin (only the REST API and the lobby do), or false'
    }), 'false'),
    option: 'rooms'
  },
  ...Object.fromEntries(Object.entries(roomRuleNames).map(([rule, name]) =>
    [name, { ...variable(roomRules.properties[rule as RoomRule]), roomRule: rule as RoomRule }])),
  NATS_URL: {
    parse: parseList,
    schema: Type.Array(Type.String(), {
      minItems: 1,
      description: 'Addresses of NATS servers, comma-separated, such as `nats://broker:4222`: makes the service a node ' +
        'of a cluster, whose nodes share ids, rooms, bans and settings'
    }),
    clusterOption: 'servers'
  },
  ...Object.fromEntries(Object.entries(clusterOptionNames).map(([option, name]) => {
    const clusterOption = option as ClusterOption
    return [name, { ...variable(clusterOptions.properties[clusterOption]), clusterOption }]
  })),
  NATS_CA: {
    textType: 'path of a file',
    parse: path => ({ ca: readFileSync(path, 'utf8') }),
    schema: Type.Unsafe<object>({
      type: 'object', description: 'PEM file with the certificates that sign those of the NATS servers (TLS)'
    }),
    clusterOption: 'tls'
  },
  LOBBY: variable(Type.Boolean({
    description: 'Whether players find and open rooms at `/lobby`, without a token; needs ROOMS. Pages of ' +
      'ALLOWED_ORIGINS may use it'
  }), false),
  PUBLIC_URL: variable(PublicUrl),
  WS_AT_ROOT: variable(Type.Boolean({
    description: 'Whether clients may connect to `/` as well as to WS_PATH; not with WS_PORT'
  }), false),
  WS4_PATH: variable(Type.String({
    pattern: pathPattern,
    description: 'URL path of a second endpoint, a multiplayer relay for Godot 4; its REST API is at ' +
      '`/api/v1/godot4`, which has bans and settings of its own'
  })),
  MAX_CONNECTIONS_PER_ADDRESS: variable(Type.Integer({
    minimum: 0,
    maximum: MAX_LIMIT,
    description:
      'Maximum HTTP connections per address (IPv6: per /64) on PORT; WebSockets, loopback and trusted proxies ' +
      'do not count; 0: no limit'
  }), 100),
  MAX_REQUESTS_IN_FLIGHT: variable(Type.Integer({
    minimum: 1, maximum: 1000, description: 'Maximum number of pipelined HTTP requests per connection'
  }), 10),
  RESPONSE_TIMEOUT: variable(Type.Number({
    exclusiveMinimum: 0, maximum: 3600, description: 'Seconds a client may take to read an HTTP response'
  }), 30),
  TRUST_PROXY: {
    parse: text => text === 'true' || text === 'false' ? text === 'true' : parseList(text),
    schema: Type.Refine(Type.Union([Type.Boolean(), Type.Array(Type.String())], {
      description: 'Whose X-Forwarded-* headers are trusted: true (everyone\'s), false (nobody\'s), or the addresses ' +
        'of the proxies'
    }), isTrust, () => 'must be true, false, or a comma-separated list of proxy addresses'),
    defaultValue: false
  },
  LOG_LEVEL: variable(Type.Enum(logLevels, { description: 'Minimum level of log lines' }), 'info')
}

/** Texts of named tokens. */
function tokenList (description: string): TSchema {
  const list = Type.Array(refinedBy(namedTokenFault), { description })
  // Without any token the service would let everyone in.
  return Type.Refine(list, tokens => tokens.length > 0, () => 'expected at least one token')
}

function variable (schema: TSchema, defaultValue?: unknown): Variable {
  return { parse: parserOf(schema)!, schema, defaultValue }
}

/** The variable of an option, if it has one: name, parser and default follow from the schema. */
function variableOf (option: keyof ServerOptions): Array<[name: string, variable: Variable]> {
  const name = names[option] ?? option.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()
  const description = files[option]
  if (description !== undefined) {
    const schema = Type.String({ description })
    return [[name, { textType: 'path of a file', parse: path => readFileSync(path, 'utf8'), schema, option }]]
  }
  const schema: TSchema = ServerOptions.properties[option]
  // ROOMS has a variable of its own.
  const parse = option === 'rooms' ? undefined : parserOf(schema)
  if (parse === undefined || option in excluded) return []
  const defaultValue = serviceDefaults[option] ?? ({ ...defaultOptions } as Record<string, unknown>)[option]
  return [[name, { parse, schema, defaultValue, condition: conditions[option], option }]]
}

/** A parser of values of the schema; undefined if they have no text form. */
function parserOf (schema: TSchema): Variable['parse'] | undefined {
  const { type, anyOf, enum: values } = schema as { type?: string, anyOf?: TSchema[], enum?: unknown[] }
  if (anyOf !== undefined) return parserOfUnion(anyOf)
  if (type === 'integer' || type === 'number') return parseNumber
  if (type === 'boolean') return parseBoolean
  if (type === 'array') return parseList
  return type === 'string' || values !== undefined ? text => text : undefined
}

/** Parses as the first alternative that the value is valid for, otherwise as the last. */
function parserOfUnion (alternatives: readonly TSchema[]): Variable['parse'] | undefined {
  const parsers = alternatives.map(schema => ({ schema, parse: parserOf(schema) }))
  if (parsers.some(({ parse }) => parse === undefined)) return undefined
  return text => {
    const values = parsers.map(({ schema, parse }) => ({ schema, value: parse!(text) }))
    return (values.find(({ schema, value }) => Schema.Check(schema, value)) ?? values.at(-1)!).value
  }
}

/** A number in canonical notation; any other text is returned unchanged and fails validation. */
function parseNumber (text: string): unknown {
  return String(Number(text)) === text ? Number(text) : text
}

function parseBoolean (text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  throw new Error('must be true or false')
}

function parseList (text: string): string[] {
  return text.split(',').map(item => item.trim()).filter(item => item !== '')
}

function isTrust (value: unknown): boolean {
  return typeof value === 'boolean' ||
    (Array.isArray(value) && value.every(address => parseAddressRange(address) !== undefined))
}
