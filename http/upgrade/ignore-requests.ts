import type { Socket } from 'node:net'
import { mayUseInternals } from '../../src/transport/internals.ts'

/** The HTTP parser of a socket, not documented: `onIncoming` receives its requests. */
interface Parsed { readonly parser?: { onIncoming?: unknown } | null }

/**
 * Ignores further requests of a connection. Node parses a chunk to its end even if the socket is destroyed, and creates
 * objects for each of up to 1,400 requests; a Node without `onIncoming` still does.
 */
export function ignoreRequests ({ parser }: Socket & Parsed): void {
  if (mayUseInternals && typeof parser?.onIncoming === 'function') parser.onIncoming = ignore
}

/** 0: the body follows as usual. */
function ignore (): number {
  return 0
}
