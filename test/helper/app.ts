import Fastify, { type FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import peerServer from '../../plugins/peer-server.ts'

/** A Fastify app with the plugin, listening on a free port; the test closes it. */
export async function listeningApp (
  t: Test, options: Parameters<typeof peerServer>[1] = {}
): Promise<{ app: FastifyInstance, port: number, url: string }> {
  const app = Fastify()
  await app.register(peerServer, options)
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(async () => { await app.close() })
  const { port } = app.peerServer
  return { app, port, url: `ws://127.0.0.1:${port}${app.peerServer.options.path}` }
}
