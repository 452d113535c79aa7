// A node of a cluster with a port of its own, as a process: `node node-process.js <nats url> <node id> <options>`.
// Prints a line of JSON for everything that is reported to it, first its port; a line on its input is a command.
import { createInterface } from 'node:readline'
import { WebSocketServer } from '../../../index.ts'
import type { ServerOptions } from '../../../index.ts'
import { silentLogger } from '../../helper/silent-logger.ts'

const [url, nodeId, options] = process.argv.slice(2)
const server = new WebSocketServer({
  gdMpApi: true,
  rooms: true,
  bindIp: '127.0.0.1',
  closeTimeout: 1,
  log: silentLogger,
  cluster: { servers: url, nodeId },
  ...JSON.parse(options) as Partial<ServerOptions>
})

function tell (event: string, details: object = {}): void {
  process.stdout.write(JSON.stringify({ event, ...details }) + '\n')
}

server.cluster.on('ready', () => { tell('ready', { slot: server.cluster.slot }) })
server.cluster.on('lost', () => { tell('lost') })
server.cluster.on('node_joined', ({ id }) => { tell('node_joined', { node: id }) })
server.cluster.on('node_left', ({ id }, cause) => { tell('node_left', { node: id, cause }) })
server.cluster.on('gap', ({ id }, lost, room) => { tell('gap', { node: id, lost, room }) })
server.cluster.on('peer_joined', ({ id }) => { tell('peer_joined', { id }) })
server.cluster.on('peer_left', ({ id }) => { tell('peer_left', { id }) })
server.on('peer_connected', id => { tell('peer_connected', { id }) })
server.on('room_opened', (room, { failover }) => {
  tell('room_opened', { room: room.name, failover })
  room.multiplayer.node('/root/Main', { on_remote: [String] }).method('remote', 'on_remote', (id, text) => {
    tell('called', { room: room.name, id, text })
    room.multiplayer.node('/root/Main').rpcId(id, 'on_remote', `"${text}, says the server"`)
  })
})

const commands: Record<string, (parameters: any) => unknown> = {
  disconnect: ({ id, code, reason }) => server.cluster.disconnectPeer(id, code, reason),
  peers: ({ room }) => [...server.room(room).peers()].map(({ id }) => id),
  isHome: ({ room }) => server.room(room).isHome,
  drops: () => server.monitor.drops
}

createInterface(process.stdin).on('line', async line => {
  const { command, ...parameters } = JSON.parse(line) as { command: string }
  try {
    tell('answer', { result: await commands[command](parameters) })
  } catch (error) {
    tell('answer', { error: String(error) })
  }
})
process.on('SIGTERM', () => { server.stop().then(() => process.exit(0), () => process.exit(1)) })

await server.listen(0)
tell('listening', { port: server.port, slot: server.cluster.slot })
