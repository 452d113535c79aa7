import { setImmediate as nextTurn } from 'node:timers/promises'
import { WebSocketServer } from '../src/core/server/websocket-server.ts'
import { int, PoolVector2Array, Vector2 } from '../src/protocol/variant/variant-types.ts'
import { MemoryClient, memoryMount } from '../test/helper/memory-client.ts'

// What remote calls cost a server, without sockets: `node dist/bench/rpc.js [peers]` after `npm run compile`. One line per question, microseconds a call.

const peers = Number(process.argv[2] ?? 64)
const server = new WebSocketServer({ gdMpApi: true }, memoryMount)
await server.listen()
const clients = Array.from({ length: peers }, () => new MemoryClient(server))
const main = server.multiplayer.node('/root/Main', { state: [int, String, Vector2, PoolVector2Array, Boolean], steer: [Vector2, int] })
let steered = 0
main.method('remote', 'steer', () => steered++)
const positions = new PoolVector2Array(Array.from({ length: 8 }, (_, i) => new Vector2(i, -i)))
const call = (): void => main.rpc('state', 123456, 'running', new Vector2(1, 2), positions, true)

report('rpc, five arguments, no peer confirmed', await measure(20, call))
for (const client of clients) client.sendTo(1, '034d61696e00')
report('rpc, five arguments, all confirmed, a turn each', await measure(2000, call))
report('rpc, five arguments, 50 a turn', await measure(2000, call, 50))
for (const client of clients) client.sendTo(1, '02010000004d61696e00')
const rounds = 200
report('rpc_id(1) from a client, two arguments', await measure(rounds, () => {
  for (const client of clients) client.sendTo(1, '0001000000737465657200 02 05000000 0000803f 00000040 02000000 07000000')
}) / peers)
if (steered !== rounds * 2 * peers) throw new Error(`${steered} calls came in`)

/** Microseconds per call, the end of the turn included; the first half warms up. */
async function measure (times: number, call: () => void, perTurn = 1): Promise<number> {
  let start = 0
  for (let i = 0; i < times * 2; i++) {
    if (i === times) start = performance.now()
    call()
    if (i % perTurn === 0) await drain()
  }
  return (performance.now() - start) * 1000 / times
}

async function drain (): Promise<void> {
  await nextTurn()
  for (const { connection } of clients) connection.take()
}

function report (what: string, microseconds: number): void {
  console.log(`${microseconds.toFixed(2).padStart(9)} us  ${what}, ${peers} peers`)
}
