/**
 * REST on one node disconnects peers of another: how long until the response, and until the client has the close frame.
 * Three nodes with 3,000 peers each, in rooms of 30 that span all nodes.
 *
 *   npx tsx test/soak/cluster-kick.ts [peers per node, default 3000] [kicks, default 500]
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import Fastify from 'fastify'
import peerServerApp from '../../app.ts'
import type { Client } from '../../bench/load/client.ts'
import { opcode } from '../../src/protocol/websocket/frame.ts'
import { NatsServer } from '../helper/programs/nats.ts'
import { frame, frameSize, parseFrame } from '../helper/sockets/raw-frame.ts'
import { expect, percentile } from './clients.ts'
import { joinRooms } from './cluster-clients.ts'

const NODES = 3
const ROOM_SIZE = 30
/** Milliseconds for 99 percent of the kicks. */
const GOAL = 100

if (process.send === undefined) await kickPeers()
else await serve(process.argv[2], process.argv[3])

/** A node: everything the service offers, without a token. */
async function serve (servers: string, nodeId: string): Promise<void> {
  const app = Fastify()
  const server = {
    path: '/ws',
    gdMpApi: true,
    rooms: { joinPerMinute: 0 },
    maxPeersPerAddress: 0,
    pingInterval: 0,
    cluster: { servers, nodeId }
  }
  await app.register(peerServerApp, { server, admin: { auth: false } })
  await app.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
  process.send!((app.server.address() as { port: number }).port)
}

async function kickPeers (): Promise<void> {
  const [perNode = 3000, kicks = 500] = process.argv.slice(2).map(Number)
  const broker = new NatsServer(await mkdtemp(joinPath(tmpdir(), 'soak-nats-')), ['-js'])
  await broker.start()
  const nodes = await Promise.all(Array.from({ length: NODES }, async (_, index) => {
    const child = fork(import.meta.filename, [broker.url, `node-${index + 1}`], { execArgv: ['--import', 'tsx'] })
    const [port] = await once(child, 'message') as [number]
    return { child, port }
  }))

  const clients = await joinRooms(nodes, '/ws', NODES * perNode / ROOM_SIZE, ROOM_SIZE)
  for (const { socket } of clients) socket.removeAllListeners('close')

  const responses: number[] = []
  const frames: number[] = []
  const [{ port }] = nodes
  for (const client of clients.filter(({ index }) => index % NODES === NODES - 1).slice(0, kicks)) {
    const began = performance.now()
    const closed = closeCodeOf(client).then(code => { frames.push(performance.now() - began); return code })
    const url = `http://127.0.0.1:${port}/api/v1/peers/${client.id}?code=4001`
    const { status } = await fetch(url, { method: 'DELETE' })
    responses.push(performance.now() - began)
    expect(status === 202 && await closed === 4001, `peer ${client.id} is disconnected with 4001: status ${status}`)
  }

  const figures = (values: number[]): string =>
    [50, 99, 100].map(percent => percentile(values, percent).toFixed(1)).join(' / ')
  console.log(`${kicks} kicks at ${NODES} x ${perNode} peers, ms (median / p99 / most): ` +
    `response ${figures(responses)}, close frame ${figures(frames)}`)
  expect(percentile(responses, 99) < GOAL && percentile(frames, 99) < GOAL, `p99 is below ${GOAL} ms`)
  for (const { socket } of clients) socket.destroy()
  for (const { child } of nodes) child.kill()
  await broker.close()
}

/** Answers pings, and the close frame; resolves with its code. */
async function closeCodeOf (client: Client): Promise<number> {
  return await new Promise(resolve => {
    let rest = Buffer.alloc(0)
    client.reader = (bytes, length) => {
      rest = Buffer.concat([rest, bytes.subarray(0, length)])
      for (let size = frameSize(rest); size !== undefined; size = frameSize(rest)) {
        const { opcode: code, payload } = parseFrame(rest.subarray(0, size))
        rest = rest.subarray(size)
        // Before it closes, the server waits for the pong: what it sent before has arrived then.
        if (code === opcode.PING) client.write(frame(opcode.PONG, payload))
        if (code !== opcode.CLOSE) continue
        client.close()
        resolve(payload.readUInt16BE(0))
      }
    }
  })
}
