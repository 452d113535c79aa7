import type { FastifyInstance } from 'fastify'
import type { WebSocketServer } from '../src/core/server/websocket-server.ts'

/** The server of the app with this name, for the plugin that needs it. */
export function serverOf (app: FastifyInstance, name: string, plugin: string): WebSocketServer {
  if (app.hasDecorator(name)) return app.getDecorator<WebSocketServer>(name)
  throw new Error(`${plugin}: no server named ${name}; register the peerServer plugin first`)
}
