import { WebSocketServer as CoreServer } from '../core/server/websocket-server.ts'
import type { ServerConnections } from '../core/server/websocket-server.ts'
import type { ServerOptions } from '../options.ts'
import { openListener } from './own-listener.ts'

/** Godot's WebSocketServer with a listener of its own: `await new WebSocketServer(options).listen(9080)`. */
export class WebSocketServer extends CoreServer {
  /** Throws ERR_INVALID_PARAMETER naming the wrong option. */
  constructor (options?: Partial<ServerOptions>)
  /** @internal The plugin and tests bring connections of their own. */
  constructor (options: Partial<ServerOptions>, connections: ServerConnections)
  constructor (options: Partial<ServerOptions> = {}, connections: ServerConnections = {}) {
    super(options, { openListener, ...connections })
  }
}
