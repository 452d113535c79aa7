import { readFile } from 'node:fs/promises'
import type { Authenticator, ConnectionOptions, TlsOptions } from '@nats-io/transport-node'
import { GodotError } from '../../error.ts'
import { importOptional } from './import-optional.ts'

/** How to reach the brokers of a cluster. */
export interface NatsOptions {
  /** `nats://` or `tls://`, host and port, optionally with user and password. */
  readonly servers: string | readonly string[]
  /** Path or content of a .creds file. */
  readonly credentials?: string
  readonly user?: string
  readonly password?: string
  readonly token?: string
  /** Certificates, as paths or as text; true: those of the system. */
  readonly tls?: boolean | TlsOptions
  /** Brokers that keep each key: 1, or 3 with a NATS cluster of three. */
  readonly replicas?: number
}

/** Milliseconds without a response of the broker after which another one is tried. */
const DIAL_TIMEOUT = 2000

/** Options of the NATS client: it reconnects without limit, and detects within 2.3 s that a broker does not respond. */
export async function connectionOptions (options: NatsOptions): Promise<ConnectionOptions> {
  const { servers: given, credentials, token, tls } = options
  const servers = typeof given === 'string' ? given.split(',') : [...given]
  const { user, password } = { ...userOf(servers), ...withoutUndefined(options) }
  const isTls = servers.some(server => server.startsWith('tls://'))
  return {
    servers,
    ...credentials !== undefined && { authenticator: await authenticator(credentials) },
    ...user !== undefined && { user, pass: password ?? '' },
    ...token !== undefined && { token },
    ...(tls === true || (isTls && tls === undefined)) && { tls: {} },
    ...typeof tls === 'object' && { tls },
    name: 'fastify-peer-server',
    timeout: DIAL_TIMEOUT,
    noEcho: true,
    maxReconnectAttempts: -1,
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: 200,
    reconnectJitter: 100,
    reconnectJitterTLS: 100,
    pingInterval: 750,
    maxPingOut: 2
  }
}

/** User and password of the first address that has them. */
function userOf (servers: readonly string[]): { user?: string, password?: string } {
  const address = servers.map(server => /^[a-z]+:\/\/([^@/:]+)(?::([^@/]*))?@/.exec(server)).find(match => match !== null)
  if (address == null) return {}
  return { user: decodeURIComponent(address[1]), password: decodeURIComponent(address[2] ?? '') }
}

function withoutUndefined ({ user, password }: NatsOptions): { user?: string, password?: string } {
  return { ...user !== undefined && { user }, ...password !== undefined && { password } }
}

async function authenticator (credentials: string): Promise<Authenticator> {
  const { credsAuthenticator } = await importOptional<typeof import('@nats-io/transport-node')>('transport-node')
  const content = isCredentials(credentials) ? credentials : await readCredentials(credentials)
  return credsAuthenticator(new TextEncoder().encode(content))
}

async function readCredentials (path: string): Promise<string> {
  const content = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new GodotError('ERR_INVALID_PARAMETER', `cluster: cannot read the credentials: ${(error as Error).message}`)
  })
  if (isCredentials(content)) return content
  throw new GodotError('ERR_INVALID_PARAMETER', `cluster: ${path} holds no credentials: expected a .creds file of NATS`)
}

function isCredentials (text: string): boolean {
  return text.includes('-----BEGIN NATS USER JWT')
}
