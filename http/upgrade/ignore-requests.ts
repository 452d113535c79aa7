import type { Socket } from 'node:net'
import { mayUseInternals } from '../../src/transport/internals.ts'

/** The HTTP parser of a socket, not documented: whom it tells of a request. */
interface Parsed { readonly parser?: { onIncoming?: unknown } | null }

/**
 * Ignores further requests of a connection. Node parses a chunk to its end even if the socket is destroyed, and creates
 * objects for each of what can be 1,400 requests; where it cannot be told otherwise, it goes on to.
 */
export function ignoreRequests ({ parser }: Socket & Parsed): void {
  if (mayUseInternals && typeof parser?.onIncoming === 'function') parser.onIncoming = ignore
}

/** 0: the body follows as usual. */
function ignore (): number {
  return 0
}
