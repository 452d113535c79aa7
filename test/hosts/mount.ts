import peerServer, { adminRoutes, type WebSocketServer } from '../../index.ts'
import type { App, Mount, Paths } from './host-kind.ts'

/** Seconds that a client which does not answer stays: longer than any timeout that a host sets. */
const CLOSE_TIMEOUT = 1.2

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
  await app.register(peerServer, { path, closeTimeout: CLOSE_TIMEOUT })
  await app.register(adminRoutes, { prefix, auth: false })
  return app.peerServer
}
