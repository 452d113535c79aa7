import Type, { type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { parseAddressRange } from './address-range.ts'
import { ServerOptions } from './options.ts'
import { tokenFault } from './token.ts'

/** What the service is told by its environment; `server` are the options of the server itself. */
export interface Settings {
  host: string
  port: number
  adminToken: string | undefined
  trustProxy: boolean | string[]
  logLevel: string
  server: Partial<ServerOptions>
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
  HANDSHAKE_TIMEOUT: option('handshakeTimeout', readNumber),
  TRUST_PROXY: { read: readTrust, schema: trustSchema(), standard: false },
  LOG_LEVEL: { read: readText, schema: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], { description: 'What is logged' }), standard: 'info' }
}

/** A variable that sets an option of the server, with the option's own schema. */
function option (name: keyof ServerOptions, read: Variable['read'], standard?: unknown): Variable {
  return { read, schema: ServerOptions.properties[name], standard, option: name }
}

/** Reads the environment; an empty variable counts as none. SettingsError when any is wrong. */
export function readEnvironment (env: Readonly<Record<string, string | undefined>>): Settings {
  const values: Record<string, unknown> = {}
  const server: Record<string, unknown> = {}
  const faults: string[] = []
  for (const [name, { read, schema, standard, option }] of Object.entries(variables)) {
    const text = env[name]?.trim() ?? ''
    const value = text === '' ? standard : read(text)
    if (text !== '' && !Value.Check(schema, value)) faults.push(`${name}: ${Value.Errors(schema, value)[0].message}`)
    if (option === undefined) values[name] = value
    else server[option] = value
  }
  const settings = {
    host: values.HOST as string,
    port: values.PORT as number,
    adminToken: values.ADMIN_TOKEN as string | undefined,
    trustProxy: values.TRUST_PROXY as Settings['trustProxy'],
    logLevel: values.LOG_LEVEL as string,
    server
  }
  const weakness = settings.adminToken === undefined ? undefined : tokenFault(settings.adminToken, env.NODE_ENV)
  if (weakness !== undefined) faults.push(`ADMIN_TOKEN: ${weakness}`)
  if (settings.adminToken === undefined && !isLoopback(settings.host)) faults.push(`ADMIN_TOKEN: is needed, for HOST ${settings.host} is not a loopback address`)
  if (faults.length > 0) throw new SettingsError(faults)
  return settings
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
