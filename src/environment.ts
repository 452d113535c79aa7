import { posix } from 'node:path'
import { isLoopbackHost } from './address-range.ts'
import { variables, type Variable } from './environment-variables.ts'
import { describeMisspelt, misspeltVariables } from './misspelt-variables.ts'
import type { LobbyOptions } from './options/lobby-option-types.ts'
import { firstFault } from './options/check-options.ts'
import { defaultClusterOptions, defaultOptions } from './options/defaults.ts'
import { type ServerOptions } from './options/options.ts'
import { parseNamedToken } from './named-token.ts'
import { pathFault } from './service-paths.ts'
import { sameTokenFault, tokenFault } from './token-fault.ts'
import { Schema } from './typebox.ts'

/** Settings of the service, from its environment. */
export interface ServiceSettings {
  host: string
  port: number
  /** Who may administer; undefined: everyone on this machine. */
  tokens: NamedToken[] | undefined
  /** Origins whose pages may use the REST API. */
  adminOrigins: string[] | undefined
  /** File that keeps bans and run-time settings. */
  stateFile: string | undefined
  trustProxy: boolean | string[]
  logLevel: string
  /** Whether the endpoint of `server` is also at `/`. */
  wsAtRoot: boolean
  /** Limits of the HTTP server. */
  http: { maxConnectionsPerAddress: number, maxRequestsInFlight: number, responseTimeout: number }
  server: Partial<ServerOptions>
  /** Options of a second server, for Godot 4. */
  godot4?: Partial<ServerOptions> & { name: string }
  /** Options of the lobby, if there is one. */
  lobby?: LobbyOptions
}

/** The service cannot start with this environment: every invalid variable, and why. */
export class SettingsError extends Error {
  constructor (faults: readonly string[]) {
    super(`Invalid environment:\n${faults.map(fault => `  ${fault}`).join('\n')}`)
    this.name = 'SettingsError'
  }
}

type Values = Readonly<Record<string, unknown>>

/**
 * Reads the environment; an empty variable counts as unset. Throws SettingsError, which names every invalid variable.
 */
export function readEnvironment (env: Readonly<Record<string, string | undefined>>): ServiceSettings {
  const faults: string[] = []
  const values: Record<string, unknown> = {}
  const server: Record<string, unknown> = {}
  const roomRules: Record<string, unknown> = {}
  const clusterOptions: Record<string, unknown> = {}
  for (const [name, variable] of Object.entries(variables)) {
    const value = readVariable(name, variable, env[name]?.trim() ?? '', faults)
    values[name] = value
    if (variable.option !== undefined && value !== undefined) server[variable.option] = value
    if (variable.roomRule !== undefined && value !== undefined) roomRules[name] = value
    if (variable.clusterOption !== undefined && value !== undefined) clusterOptions[name] = value
  }
  const settings = settingsOf(values, {
    ...server, rooms: roomsOf(server.rooms, roomRules, faults), ...clusterOf(clusterOptions, faults)
  })
  faults.push(
    ...pathFaults(settings),
    ...listenerFaults(server),
    ...lobbyFaults(values, settings.server),
    ...tokenFaults(values, settings, env.NODE_ENV)
  )
  if (faults.length > 0) {
    throw new SettingsError([...faults, ...misspeltVariables(env).map(one => `${one.name}: ${describeMisspelt(one)}`)])
  }
  return settings
}

function readVariable (
  name: string, { parse, schema, defaultValue }: Variable, text: string, faults: string[]
): unknown {
  if (text === '') return defaultValue
  try {
    const value = parse(text)
    if (Schema.Check(schema, value)) return value
    faults.push(`${name}: ${firstFault(schema, value).message}`)
  } catch (error) {
    faults.push(`${name}: ${(error as Error).message}`)
  }
  return defaultValue
}

/** Option `rooms` from ROOMS and the values of the variables about rooms, by name. */
function roomsOf (
  rooms: unknown, rules: Readonly<Record<string, unknown>>, faults: string[]
): ServerOptions['rooms'] {
  if (rooms !== 'false') {
    const members = Object.entries(rules).map(([name, value]) => [variables[name].roomRule, value])
    return { ...(rooms === 'admin' ? { create: rooms } : {}), ...Object.fromEntries(members) }
  }
  faults.push(...Object.keys(rules).map(name => `${name}: needs ROOMS=true or ROOMS=admin`))
  return false
}

/** Option `cluster` from the values of the variables about it, by name. */
function clusterOf (
  given: Readonly<Record<string, unknown>>, faults: string[]
): Pick<Partial<ServerOptions>, 'cluster'> {
  const names = Object.keys(given)
  if (names.length === 0) return {}
  if (given.NATS_URL === undefined) faults.push(...names.map(name => `${name}: needs NATS_URL`))
  const members = Object.entries(given).map(([name, value]) => [variables[name].clusterOption, value])
  return { cluster: Object.fromEntries(members) as ServerOptions['cluster'] }
}

function settingsOf (values: Values, server: Partial<ServerOptions>): ServiceSettings {
  return {
    host: values.HOST as string,
    port: values.PORT as number,
    tokens: tokensOf(values),
    adminOrigins: values.ADMIN_ORIGINS as string[] | undefined,
    stateFile: values.STATE_FILE as string | undefined,
    trustProxy: values.TRUST_PROXY as ServiceSettings['trustProxy'],
    logLevel: values.LOG_LEVEL as string,
    wsAtRoot: values.WS_AT_ROOT as boolean,
    http: {
      maxConnectionsPerAddress: values.MAX_CONNECTIONS_PER_ADDRESS as number,
      maxRequestsInFlight: values.MAX_REQUESTS_IN_FLIGHT as number,
      responseTimeout: values.RESPONSE_TIMEOUT as number
    },
    server,
    ...(values.WS4_PATH === undefined ? {} : { godot4: secondServer(server, values.WS4_PATH as string) }),
    ...(values.LOBBY === true ? { lobby: lobbyOf(values, server) } : {})
  }
}

function lobbyOf ({ PUBLIC_URL }: Values, { allowedOrigins }: Partial<ServerOptions>): LobbyOptions {
  return {
    ...(PUBLIC_URL === undefined ? {} : { publicUrl: PUBLIC_URL as string }),
    ...(allowedOrigins === undefined ? {} : { origin: allowedOrigins })
  }
}

function lobbyFaults ({ LOBBY, PUBLIC_URL }: Values, { rooms }: Partial<ServerOptions>): string[] {
  if (LOBBY === true) return rooms === false ? ['LOBBY: needs ROOMS=true or ROOMS=admin'] : []
  return PUBLIC_URL === undefined ? [] : ['PUBLIC_URL: needs LOBBY=true']
}

/** The second server has the options of the first except those of a listener of its own. */
function secondServer (server: Partial<ServerOptions>, path: string): ServiceSettings['godot4'] {
  const { port, bindIp, privateKey, sslCertificate, caChain, cluster, ...shared } = server
  return { ...shared, ...secondCluster(cluster), name: 'godot4', path, gdMpApi: true, wire: 'godot4' }
}

/** The second servers of all nodes are a cluster of their own. */
function secondCluster (cluster: ServerOptions['cluster']): Pick<Partial<ServerOptions>, 'cluster'> {
  if (cluster === undefined) return {}
  const { namespace = defaultClusterOptions.namespace } = cluster
  return { cluster: { ...cluster, namespace: `${namespace}-godot4` } }
}

function pathFaults ({ server, godot4, wsAtRoot }: ServiceSettings): string[] {
  const { path = defaultOptions.path, port, rooms } = server
  const faults = [
    ['WS_PATH', pathFault(path)], ['WS4_PATH', godot4 === undefined ? undefined : pathFault(godot4.path!)]
  ]
    .flatMap(([name, fault]) => fault === undefined ? [] : [`${name}: ${fault}`])
  // Only the mounted endpoint has routes that could clash.
  if (port === undefined && godot4 !== undefined) faults.push(...clashes(path, godot4.path!, rooms !== false))
  if (!wsAtRoot) return faults
  if (port !== undefined) faults.push('WS_AT_ROOT: has no effect with WS_PORT, where clients may connect to any path')
  if (godot4?.path === '/') faults.push('WS_AT_ROOT: clashes with WS4_PATH, which is / itself')
  return faults
}

/** Why both endpoints cannot be mounted in the same app. */
function clashes (path: string, path4: string, hasRooms: boolean): string[] {
  const [one, other] = [path, path4].map(withoutTrailingSlash)
  if (one === other) return ['WS4_PATH: must differ from WS_PATH (a trailing slash does not count)']
  return hasRooms && (isRoomOf(one, other) || isRoomOf(other, one))
    ? ['WS4_PATH: must not be directly below WS_PATH, nor the reverse: with ROOMS that is the URL of a room']
    : []
}

/** Whether `path` is that of a room of the endpoint. At `/` no path counts: those of the service take precedence. */
function isRoomOf (endpoint: string, path: string): boolean {
  return posix.dirname(path) === endpoint
}

function withoutTrailingSlash (path: string): string {
  return path.replace(/\/$/, '')
}

/** Variables of the server's own listener that would have no effect. */
function listenerFaults ({ port, bindIp, privateKey, sslCertificate, caChain }: Partial<ServerOptions>): string[] {
  if (port !== undefined) return []
  const given = { TLS_KEY: privateKey, TLS_CERT: sslCertificate, TLS_CA: caChain }
  const names = Object.entries(given).filter(([, text]) => text !== undefined).map(([name]) => name)
  return [
    ...(bindIp === defaultOptions.bindIp ? [] : ['BIND_IP: needs WS_PORT; the address of PORT is HOST']),
    ...names.map(name => `${name}: needs WS_PORT; TLS on PORT is terminated by your proxy`)
  ]
}

/** A token of the service: who has it, and what it allows. */
export type NamedToken = ReturnType<typeof parseNamedToken>

/** A token, and the variable that it comes from. */
interface GivenToken extends NamedToken { readonly variable: string }

function givenTokens ({ ADMIN_TOKEN, ...lists }: Values): GivenToken[] {
  const named = ['ADMIN_TOKENS', 'ADMIN_TOKENS_FILE'].flatMap(variable =>
    ((lists[variable] ?? []) as string[]).map(text => ({ ...parseNamedToken(text), variable })))
  if (ADMIN_TOKEN === undefined) return named
  return [{ name: 'admin', role: 'admin', token: ADMIN_TOKEN as string, variable: 'ADMIN_TOKEN' }, ...named]
}

/** All tokens; undefined if there are none. */
function tokensOf (values: Values): NamedToken[] | undefined {
  const tokens = givenTokens(values).map(({ variable, ...token }) => token)
  return tokens.length === 0 ? undefined : tokens
}

function tokenFaults (values: Values, { host, adminOrigins }: ServiceSettings, nodeEnv: string | undefined): string[] {
  const isPublic = !isLoopbackHost(host)
  const tokens = givenTokens(values)
  if (tokens.length === 0) {
    return [
      ...(isPublic ? [`ADMIN_TOKEN: required because HOST ${host} is not a loopback address`] : []),
      ...(adminOrigins === undefined ? [] : ['ADMIN_ORIGINS: needs ADMIN_TOKEN or ADMIN_TOKENS'])
    ]
  }
  return tokens.flatMap(({ name, token, variable }, at) => {
    const subject = variable === 'ADMIN_TOKEN' ? 'ADMIN_TOKEN:' : `${variable}: the token of ${name}`
    const fault = tokenFault(token, { ...(nodeEnv === undefined ? {} : { nodeEnv }), isPublic })
    const isTwice = tokens.findIndex(other => other.name === name) < at
    const same = sameTokenFault(tokens, at)
    return [
      ...(fault === undefined ? [] : [`${subject} ${fault}`]),
      ...(isTwice ? [`${variable}: two tokens are named ${name}`] : []),
      ...(same === undefined ? [] : [`${variable}: ${same}`])
    ]
  })
}

/** An error message about an option, with the name of its variable instead. */
export function nameVariable (message: string): string {
  const [, before = '', option, after] = /^(?:option |(cluster: ))?(\w+)((?::| differs from ).*)$/s.exec(message) ?? []
  const found = Object.entries(variables).find(([, variable]) => option !== undefined && variable.option === option)
  return found === undefined ? message : `${before}${found[0]}${after}`
}
