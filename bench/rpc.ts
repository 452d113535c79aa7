import { setImmediate as nextTurn } from 'node:timers/promises'
import { WebSocketServer } from '../src/core/server/websocket-server.ts'
import { int, PoolVector2Array, Vector2 } from '../src/protocol/variant/variant-types.ts'
import { MemoryClient, memoryMount } from '../test/helper/memory/memory-client.ts'

// Measures remote calls of a server without sockets, in microseconds per call: `npm run compile`, then `node
// dist/bench/rpc.js [peers]`.

const peers = Number(process.argv[2] ?? 64)
const server = new WebSocketServer({ gdMpApi: true }, memoryMount)
await server.listen()
const clients = Array.from({ length: peers }, () => new MemoryClient(server))
const main = server.multiplayer.node('/root/Main', {
  state: [int, String, Vector2, PoolVector2Array, Boolean], steer: [Vector2, int]
})
let receivedCalls = 0
main.method('remote', 'steer', () => receivedCalls++)
const positions = new PoolVector2Array(Array.from({ length: 8 }, (_, i) => new Vector2(i, -i)))
const call = (): void => main.rpc('state', 123456, 'running', new Vector2(1, 2), positions, true)

report('rpc, five arguments, no peer confirmed', await measure(20, call))
for (const client of clients) client.sendTo(1, '034d61696e00')
report('rpc, five arguments, all peers confirmed, one per turn', await measure(2000, call))
report('rpc, five arguments, 50 per turn', await measure(2000, call, 50))
for (const client of clients) client.sendTo(1, '02010000004d61696e00')
const rounds = 200
report('rpc_id(1) from a client, two arguments', await measure(rounds, () => {
  const steer = '0001000000737465657200 02 05000000 0000803f 00000040 02000000 07000000'
  for (const client of clients) client.sendTo(1, steer)
}) / peers)
const expected = rounds * 2 * peers
if (receivedCalls !== expected) throw new Error(`received ${receivedCalls} calls, expected ${expected}`)

/** Microseconds per call, including the end of the event loop turn; the first half of the calls is the warm-up. */
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

function report (title: string, microseconds: number): void {
  console.log(`${microseconds.toFixed(2).padStart(9)} us  ${title}, ${peers} peers`)
}
