/**
 * Server of the match example for Godot 4: `node --import tsx examples/match4/server.ts [port, default 3000] [players
 * of a match, default 2] [seconds of a match, default 60]`.
 */
import Fastify from 'fastify'
import peerServer from 'fastify-peer-server'
import { Match } from './match.ts'

const [port = '3000', seats = '2', seconds = '60'] = process.argv.slice(2)

const app = Fastify({ logger: true })
await app.register(peerServer, { path: '/ws4', gdMpApi: true, wire: 'godot4', rooms: true })
const matches = new Set<Match>()
app.peerServer.on('room_opened', room => {
  const match = new Match(room, { seats: Number(seats), seconds: Number(seconds) })
  matches.add(match)
  room.on('closed', () => { matches.delete(match) })
})
await app.listen({ port: Number(port) })

process.once('SIGINT', async () => {
  await Promise.all([...matches].map(async match => { await match.end() }))
  await app.close()
})
