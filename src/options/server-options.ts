import type { ServerOptions } from './option-types.ts'

/**
 * `options` itself: an error in `app.register(peerServer, serverOptions({ ... }))` is reported at the wrong
 * option, in one line unless it is about the function of a callback, instead of as one of the overloads of `register`.
 */
export function serverOptions (options: Partial<ServerOptions>): Partial<ServerOptions> {
  return options
}
