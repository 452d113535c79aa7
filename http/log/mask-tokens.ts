import type { FastifyRequest, FastifyServerOptions } from 'fastify'
import { withoutTokens } from '../../src/core/admission/token.ts'
import { withoutSecrets } from './without-secrets.ts'

type ChildLoggerOptions = Parameters<NonNullable<FastifyServerOptions['childLoggerFactory']>>[2]
type Serializer = (value: any) => unknown

/** Where loggers of pino have their serializers. */
const serializersOfPino = Symbol.for('pino.serializers')

/**
 * The options of a request's logger, with which requests are logged as the host's serializer describes them, but
 * without tokens in URLs.
 */
export function maskTokens (options: ChildLoggerOptions, logger: object): ChildLoggerOptions {
  const { serializers = null } = options
  const inherited = (logger as { readonly [serializersOfPino]?: { readonly req?: Serializer } })[serializersOfPino]
  const own = serializers?.req as Serializer | undefined ?? inherited?.req ?? withoutSecrets
  // Fastify's serializer throws for a client in this process (app.injectWS).
  const req: Serializer = request => masked(isInProcess(request) ? withoutSecrets(request) : own(request))
  // Fastify's options inherit those of the scopes above.
  return { ...options, serializers: Object.assign(Object.create(serializers) as object, { req }) as never }
}

/** Requests can be logged as Node's (`request.raw`), too. */
function isInProcess ({ raw }: FastifyRequest): boolean {
  return raw !== undefined && (raw.socket as object | undefined) === undefined
}

function masked (record: unknown): unknown {
  if (typeof record === 'string') return withoutTokens(record)
  if (typeof record !== 'object' || record === null) return record
  return Object.fromEntries(Object.entries(record).map(([name, value]) =>
    [name, typeof value === 'string' ? withoutTokens(value) : value]))
}
