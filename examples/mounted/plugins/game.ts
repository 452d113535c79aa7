import fp from 'fastify-plugin'
import peerServer, { adminRoutes } from 'fastify-peer-server'
import type { User } from './auth.ts'

/** The game server: clients need a token of the app, and so do administrators. */
export default fp(async app => {
  await app.register(peerServer, {
    path: '/game',
    gdMpApi: true,
    onHandshake: ({ token = '' }) => {
      try {
        return { data: { name: app.jwt.verify<User>(token).name } }
      } catch {
        return { status: 401, reason: 'log in first' }
      }
    }
  })
  await app.register(async scope => {
    scope.addHook('onRequest', scope.adminOnly)
    await scope.register(adminRoutes, { prefix: '/game-admin', auth: false, security: [{ jwt: [] }] })
  })
  app.peerServer.on('peer_connected', id => {
    app.log.info({ id, ...app.peerServer.getPeer(id).data as object }, 'a player joined')
  })
}, { name: 'game', dependencies: ['auth', 'documents', 'sockets'] })
