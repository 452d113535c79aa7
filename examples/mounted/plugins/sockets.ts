import websocket from '@fastify/websocket'
import fp from 'fastify-plugin'

/** WebSockets of the app itself. */
export default fp(async app => {
  await app.register(websocket, { options: { maxPayload: 4096 } })
}, { name: 'sockets' })
