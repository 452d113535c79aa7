import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { GodotError } from '../src/error.ts'
import { ClosingConnections } from '../src/core/admission/closing-connections.ts'
import { HttpUpgrade, setUpgrade, upgradeOf } from '../http/http-upgrade.ts'

/** When a connection began, until its first request arrives. */
const connectedAt = Symbol('connectedAt')
type Connected = Duplex & { [connectedAt]?: number | undefined }

/** The apps' HTTP servers that have the listeners already. */
const watched = new WeakSet<object>()

/**
 * Stands around the listener of @fastify/websocket: keeps what only the events of the HTTP server tell, limits the time
 * that hooks of the host may take for an upgrade of one of our endpoints, and closes the connection of every upgrade
 * that is refused.
 */
export function watchUpgrades (app: FastifyInstance): void {
  if (watched.has(app.server)) return
  watched.add(app.server)
  const closing = new ClosingConnections()
  const onConnection = (socket: Duplex): void => { (socket as Connected)[connectedAt] = performance.now() }
  const onRequest = ({ socket }: IncomingMessage): void => { (socket as Duplex as Connected)[connectedAt] = undefined }
  const before = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const upgrade = new HttpUpgrade(socket, head, (socket as Connected)[connectedAt], closing)
    setUpgrade(request, upgrade)
    upgrade.watchResponse()
  }
  const after = (request: IncomingMessage): void => {
    const upgrade = upgradeOf(request)
    upgrade?.limitTime()
    // @fastify/websocket may have stopped listening already when the app closes.
    if (upgrade?.hasResponse === false && app.server.listenerCount('upgrade') === 2) {
      upgrade.reject(new GodotError('not-listening'))
    }
  }
  app.server.prependListener('upgrade', before)
  app.server.on('upgrade', after).on('request', onRequest).on('connection', onConnection)
    .on('secureConnection', onConnection)
  app.addHook('preClose', done => {
    // Without any listener Node treats an upgrade as an ordinary request, which is answered.
    app.server.off('upgrade', before).off('upgrade', after).off('request', onRequest)
    app.server.off('connection', onConnection).off('secureConnection', onConnection)
    closing.close()
    done()
  })
}
