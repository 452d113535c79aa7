import type { FastifyRequest } from 'fastify'

/** The part of what @fastify/otel adds to requests that is read here. */
interface Traced { readonly opentelemetry?: () => { readonly span?: Span | null } }
interface Span { spanContext (): { readonly traceId: string } }

/** Id of the trace that a request belongs to, undefined in an app without @fastify/otel. */
export function traceIdOf (request: FastifyRequest): string | undefined {
  return (request as Traced).opentelemetry?.().span?.spanContext().traceId
}
