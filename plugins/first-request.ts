import type { Socket } from 'node:net'
import fp from 'fastify-plugin'
import { endpointUpgrade } from '../http/upgrade/http-upgrade.ts'
import { Deadlines, type Deadlined } from '../src/core/admission/deadlines.ts'

/** Seconds that a connection may take until its first request is complete, read at every check. */
export interface FirstRequestOptions { readonly seconds: () => number }

const waitingKey = Symbol('waiting')
type Connection = Socket & Record<symbol, Deadlined | undefined>

/**
 * Closes connections whose first request is not complete in time, counted from their beginning. Node's own timeouts
 * count from the first byte of a request and are checked at intervals: a client that sends slowly could take twice as
 * long.
 */
export default fp<FirstRequestOptions>(async (app, { seconds }) => {
  const waiting = new Deadlines(seconds)
  const begin = (socket: Socket): void => {
    const one = { expire: () => { app.server.emit('clientError', timeout(), socket) }, cut: () => { socket.destroy() } }
    Object.assign(socket, { [waitingKey]: one })
    waiting.add(one)
    socket.once('close', () => { waiting.delete(one) })
  }
  const end = ({ socket }: { socket: Socket }): void => {
    const one = (socket as Connection)[waitingKey]
    if (one !== undefined) waiting.delete(one)
  }
  app.server.on('connection', begin).on('request', end).on(endpointUpgrade, end)
}, { name: 'first-request', fastify: '^5.3.0' })

/** Node's error for a request that takes too long, which gets 408. */
function timeout (): Error {
  return Object.assign(new Error('Request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })
}
