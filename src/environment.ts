import { readFileSync } from 'node:fs'
import Type, { type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { parseAddressRange } from './address-range.ts'
import { defaultOptions, ServerOptions } from './options.ts'
import { tokenFault } from './token-fault.ts'

/** What the service is told by its environment; `server` are the options of the server itself, `godot4` those of a second one. */
export interface Settings {
  host: string
  port: number
  adminToken: string | undefined
  trustProxy: boolean | string[]
  logLevel: string
  server: Partial<ServerOptions>
  godot4?: Partial<ServerOptions> & { name: string }
}

/** An environment that the service cannot start with: every variable that is wrong, and why. */
export class SettingsError extends Error {
  constructor (faults: readonly string[]) {
    super(`The environment is not right.\n${faults.map(fault => `  ${fault}`).join('\n')}`)
    this.name = 'SettingsError'
  }
}

/** A variable: how its text is read, what it has to be then, and what it is without one. */
export interface Variable {
  readonly read: (text: string) => unknown
  readonly schema: TSchema
  readonly standard?: unknown
  /** The option of the server that it sets. */
  readonly option?: keyof ServerOptions
}

/** Every variable the service knows. */
export const variables: Record<string, Variable> = {
  HOST: { read: readText, schema: Type.String({ description: 'Address to listen on' }), standard: '127.0.0.1' },
  PORT: { read: readNumber, schema: Type.Integer({ minimum: 0, maximum: 65535, description: 'Port to listen on, 0 for a free one' }), standard: 3000 },
  ADMIN_TOKEN: { read: readText, schema: Type.String({ description: 'Bearer token of the REST API; needed unless HOST is a loopback address' }) },
  WS_PATH: option('path', readText),
  WS_PROTOCOLS: option('protocols', readList),
  GD_MP_API: option('gdMpApi', readBoolean, true),
  WS_WIRE: option('wire', readText),
  WS4_PATH: { read: readText, schema: Type.String({ pattern: '^/', description: 'URL path of a second endpoint, a multiplayer relay for Godot 4; its REST API is at `/api/v1/godot4`' }) },
  WS_PORT: option('port', readNumber),
  BIND_IP: option('bindIp', readText),
  TLS_KEY: file('privateKey', 'private key'),
  TLS_CERT: file('sslCertificate', 'certificate of TLS_KEY'),
  TLS_CA: file('caChain', 'certificates between TLS_CERT and the root, which are sent along'),
  HANDSHAKE_TIMEOUT: option('handshakeTimeout', readNumber),
  MAX_PEERS: option('maxPeers', readNumber),
  ALLOWED_ORIGINS: option('allowedOrigins', readOrigins),
  TRUST_PROXY: { read: readTrust, schema: trustSchema(), standard: false },
  LOG_LEVEL: { read: readText, schema: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], { description: 'What is logged' }), standard: 'info' }
}

/** A variable that sets an option of the server, with the option's own schema. */
function option (name: keyof ServerOptions, read: Variable['read'], standard?: unknown): Variable {
  return { read, schema: ServerOptions.properties[name], standard, option: name }
}

/** A variable that names a file in PEM, whose text is an option of the server. */
function file (name: keyof ServerOptions, what: string): Variable {
  const schema = Type.String({ description: `File with the ${what}, in PEM; with WS_PORT only` })
  return { read: path => readFileSync(path, 'utf8'), schema, option: name }
}

/** Reads the environment; an empty variable counts as none. SettingsError when any is wrong. */
export function readEnvironment (env: Readonly<Record<string, string | undefined>>): Settings {
  const values: Record<string, unknown> = {}
  const server: Record<string, unknown> = {}
  const faults: string[] = []
  for (const [name, { read, schema, standard, option }] of Object.entries(variables)) {
    const text = env[name]?.trim() ?? ''
    let value = standard
    try {
      if (text !== '') value = read(text)
      if (text !== '' && !Value.Check(schema, value)) faults.push(`${name}: ${Value.Errors(schema, value)[0].message}`)
    } catch (error) {
      faults.push(`${name}: ${(error as Error).message}`)
    }
    if (option === undefined) values[name] = value
    else server[option] = value
  }
  const settings = {
    host: values.HOST as string,
    port: values.PORT as number,
    adminToken: values.ADMIN_TOKEN as string | undefined,
    trustProxy: values.TRUST_PROXY as Settings['trustProxy'],
    logLevel: values.LOG_LEVEL as string,
    server,
    ...(values.WS4_PATH === undefined ? {} : { godot4: secondServer(server, values.WS4_PATH as string) })
  }
  faults.push(...keyFaults(server))
  if (values.WS4_PATH === (server.path ?? defaultOptions.path)) faults.push('WS4_PATH: must be another than WS_PATH')
  const weakness = settings.adminToken === undefined ? undefined : tokenFault(settings.adminToken, env.NODE_ENV)
  if (weakness !== undefined) faults.push(`ADMIN_TOKEN: ${weakness}`)
  if (settings.adminToken === undefined && !isLoopback(settings.host)) faults.push(`ADMIN_TOKEN: is needed, for HOST ${settings.host} is not a loopback address`)
  if (faults.length > 0) throw new SettingsError(faults)
  return settings
}

/** The second server has the settings of the first but for those of a port of its own. */
function secondServer ({ port, bindIp, privateKey, sslCertificate, caChain, ...shared }: Partial<ServerOptions>, path: string): Settings['godot4'] {
  return { ...shared, name: 'godot4', path, gdMpApi: true, wire: 'godot4' }
}

/** Keys that would have no effect, or not the one that is meant. */
function keyFaults ({ port, privateKey, sslCertificate, caChain }: Partial<ServerOptions>): string[] {
  const given = { TLS_KEY: privateKey, TLS_CERT: sslCertificate, TLS_CA: caChain }
  const names = Object.entries(given).filter(([, text]) => text !== undefined).map(([name]) => name)
  return port === undefined ? names.map(name => `${name}: needs WS_PORT; the TLS of PORT is that of whoever stands before it`) : []
}

/** An error with the variable in place of the option that it names. */
export function nameVariable (message: string): string {
  const found = Object.entries(variables).find(([, { option }]) => option !== undefined && message.startsWith(`${option}:`))
  return found === undefined ? message : found[0] + message.slice(found[1].option!.length)
}

/** Whether only this machine reaches the address. */
export function isLoopback (host: string): boolean {
  return host === 'localhost' || host === '::1' || parseAddressRange('127.0.0.0/8')!.has(host)
}

function readText (text: string): string {
  return text
}

/** A number in its one canonical spelling, else the text as it is: no schema of a number lets it through. */
function readNumber (text: string): unknown {
  return String(Number(text)) === text ? Number(text) : text
}

function readBoolean (text: string): unknown {
  return text === 'true' ? true : text === 'false' ? false : text
}

function readList (text: string): string[] {
  return text.split(',').map(item => item.trim()).filter(item => item !== '')
}

/** All, or a list. */
function readOrigins (text: string): string | string[] {
  return text === '*' ? text : readList(text)
}

/** true, false, or the proxies' addresses. */
function readTrust (text: string): unknown {
  const value = readBoolean(text)
  return typeof value === 'boolean' ? value : readList(text)
}

function trustSchema (): TSchema {
  const isTrust = (value: unknown): boolean => typeof value === 'boolean' ||
    (Array.isArray(value) && value.every(address => parseAddressRange(address) !== undefined))
  return Type.Refine(Type.Unknown({ description: 'Whose X-Forwarded-For counts: true (all), false (none), or the addresses of the proxies' }), isTrust,
    () => 'must be true, false, or addresses of proxies, separated by commas')
}
