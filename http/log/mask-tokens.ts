import type { FastifyRequest, FastifyServerOptions } from 'fastify'
import { isTokenName, MASK, withoutTokensIn } from '../../src/core/admission/token.ts'
import { withoutSecrets } from './without-secrets.ts'

type ChildLoggerOptions = Parameters<NonNullable<FastifyServerOptions['childLoggerFactory']>>[2]
type Serializer = (value: any) => unknown
type Serializers = Readonly<Record<string, Serializer | undefined>>

/** Where loggers of pino have their serializers. */
const serializersOfPino = Symbol.for('pino.serializers')

const secretHeaders = new Set(['authorization', 'cookie', 'proxy-authorization'])
/** Deeper objects are left out: a serializer may return a socket, which has members that lead back to it. */
const MAX_DEPTH = 8

/**
 * The options of a request's logger, with which requests and responses are logged as the host's serializers describe
 * them, but without tokens.
 */
export function maskTokens (options: ChildLoggerOptions, logger: object): ChildLoggerOptions {
  const { serializers = null } = options
  const inherited = (logger as { readonly [serializersOfPino]?: Serializers })[serializersOfPino]
  const own = (name: string): Serializer | undefined => (serializers as Serializers | null)?.[name] ?? inherited?.[name]
  const describe = own('req') ?? withoutSecrets
  const describeResponse = own('res')
  const masking = {
    // Fastify's serializer throws for a client in this process (app.injectWS).
    req: (request: FastifyRequest) => isInProcess(request) ? withoutSecrets(request) : masked(describe(request)),
    ...(describeResponse === undefined ? {} : { res: (reply: unknown) => masked(describeResponse(reply)) })
  }
  // Fastify's options inherit those of the scopes above.
  return { ...options, serializers: Object.assign(Object.create(serializers) as object, masking) as never }
}

/** Requests can be logged as Node's (`request.raw`), too. */
function isInProcess ({ raw }: FastifyRequest): boolean {
  return raw !== undefined && (raw.socket as object | undefined) === undefined
}

/** What JSON shows of a member of a record, and of all that is in it, without tokens. */
function masked (value: unknown, name: string = '', parents: readonly object[] = []): unknown {
  if (value === undefined || value === null || typeof value === 'boolean') return value
  if (isTokenName(name) || secretHeaders.has(name.toLowerCase())) return MASK
  if (typeof value === 'string') return withoutTokensIn(value)
  if (typeof value !== 'object') return value
  if (parents.includes(value) || parents.length === MAX_DEPTH) return '...'
  const inside = [...parents, value]
  const { toJSON } = value as { readonly toJSON?: unknown }
  if (typeof toJSON === 'function') return masked(toJSON.call(value, name), name, inside)
  if (Array.isArray(value)) return value.map(item => masked(item, '', inside))
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, masked(member, key, inside)]))
}
