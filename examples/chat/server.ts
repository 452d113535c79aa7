/**
 * A chat for browsers: `node --import tsx examples/chat/server.ts [port, default 3000]`, then open
 * http://127.0.0.1:3000/.
 */
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import Fastify from 'fastify'
import peerServer from 'fastify-peer-server'

/** Longest name and longest message, in characters. */
const [MAX_NAME, MAX_TEXT] = [16, 500]
/** Messages that newcomers get. */
const KEPT = 50

const [port = '3000'] = process.argv.slice(2)

const app = Fastify({ logger: true })
await app.register(fastifyStatic, { root: join(import.meta.dirname, 'page') })
await app.register(peerServer, {
  path: '/chat',
  protocols: ['chat'],
  maxPacketsPerSecond: 10,
  onHandshake: ({ query: { name = '' } }) => name.trim() === ''
    ? { status: 400, reason: 'a name is missing' }
    : { data: name.trim().slice(0, MAX_NAME) }
})

const { peerServer: server } = app
const names = new Map<number, string>()
const history: Buffer[] = []

function tell (message: { from: string, text: string } | { joined: string } | { left: string }): void {
  const bytes = Buffer.from(JSON.stringify(message))
  history.push(bytes)
  if (history.length > KEPT) history.shift()
  server.broadcast(0, bytes, true)
}

server.on('client_connected', id => {
  const peer = server.getPeer(id)
  const name = peer.data as string
  names.set(id, name)
  for (const bytes of history) peer.send(bytes, true)
  tell({ joined: name })
})
server.on('client_disconnected', id => {
  tell({ left: names.get(id)! })
  names.delete(id)
})
server.on('packet', (id, bytes) => {
  tell({ from: names.get(id)!, text: Buffer.from(bytes).toString().slice(0, MAX_TEXT) })
})
await app.listen({ port: Number(port) })
