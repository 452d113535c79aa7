import peerServer, { adminRoutes, type WebSocketServer } from '../../index.ts'
import type { App, Mount, Paths } from './host-kind.ts'

/** Adds ours in scopes with these prefixes, each within the one before, or without any in the app itself. */
export function mountBelow ({ socket, api }: Paths, ...prefixes: readonly string[]): Mount {
  const [outer, ...inner] = prefixes
  if (outer === undefined) return async app => await addTo(app, socket, api)
  return async app => {
    let server: WebSocketServer | undefined
    await app.register(async (scope: App) => { server = await mountBelow({ socket, api }, ...inner)(scope) }, { prefix: outer })
    return server!
  }
}

async function addTo (app: App, path: string, prefix: string): Promise<WebSocketServer> {
  await app.register(peerServer, { path, closeTimeout: closeTimeoutOf(app) })
  await app.register(adminRoutes, { prefix, auth: false })
  return app.peerServer
}

/** Seconds that a client which does not answer stays: longer than the host lets a handler or an idle connection wait. */
function closeTimeoutOf ({ initialConfig: { connectionTimeout, handlerTimeout } }: App): number {
  return Math.max(connectionTimeout, handlerTimeout ?? 0) / 1000 + 0.3
}
