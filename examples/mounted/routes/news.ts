import type { FastifyInstance } from 'fastify'

/** News over a WebSocket of the app: how many are playing, as soon as it changes. */
export default async function news (app: FastifyInstance): Promise<void> {
  app.get('/news', { websocket: true }, socket => {
    const send = (): void => { socket.send(JSON.stringify({ players: [...app.peerServer.peers()].length })) }
    send()
    app.peerServer.on('peer_connected', send)
    app.peerServer.on('peer_disconnected', send)
    socket.on('close', () => {
      app.peerServer.off('peer_connected', send)
      app.peerServer.off('peer_disconnected', send)
    })
  })
}
