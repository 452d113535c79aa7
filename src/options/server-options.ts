import type { ServerOptions } from './option-types.ts'

/**
 * `options` itself: an error in `app.register(peerServer, serverOptions({ ... }))` is one line of TypeScript at the
 * wrong option, instead of one about the overloads of `register`.
 */
export function serverOptions (options: Partial<ServerOptions>): Partial<ServerOptions> {
  return options
}
