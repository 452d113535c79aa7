import type { AddressInfo, Socket } from 'node:net'
import Fastify, { type FastifyServerOptions } from 'fastify'
import type { App, HostKind, Mount, RunningHost } from './host-kind.ts'

/** A Fastify app of the version that we are tested with. */
export function newApp (options: FastifyServerOptions = {}): App {
  return Fastify(options)
}

/** Has an app listen. */
export async function listen (app: App): Promise<RunningHost> {
  const open = new Set<Socket>()
  app.server.on('connection', (socket: Socket) => { open.add(socket.once('close', () => { open.delete(socket) })) })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return {
    port: (app.server.address() as AddressInfo).port,
    disconnect: () => { for (const socket of open) socket.destroy() },
    close: async () => await app.close()
  }
}

/** Starts a host, with ours where `mount` is given. */
export async function startHost (kind: HostKind, mount: Mount | undefined): Promise<RunningHost> {
  if (kind.start !== undefined) return await kind.start(mount)
  const app = newApp(kind.options?.())
  await kind.before?.(app)
  await mount?.(app)
  await kind.after?.(app)
  return await listen(app)
}
