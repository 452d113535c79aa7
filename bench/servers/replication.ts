/**
 * A game server whose spawned nodes are synchronized 20 times a second, for replication.ts: prints its port, and at
 * every line of input its CPU time and the ticks since the last one as JSON. Arguments: nodes, and how they are shown:
 * `all`, `filter` (a visibility callback per node) or `interest` (a rule of the spawner, four times a second).
 */
import { createInterface } from 'node:readline'
import { Vector2, WebSocketServer } from '../../index.ts'

const RATE = 20
/** Of a world of this size a client sees a quarter. */
const SIZE = 1000
const INTEREST_MILLISECONDS = 250

const [nodes, shown] = [Number(process.argv[2]), process.argv[3] as 'all' | 'filter' | 'interest']

const server = new WebSocketServer({
  gdMpApi: true, wire: 'godot4', outputBufferKb: 1024, outputMaxPackets: 8192, maxPeersPerAddress: 0
})
await server.listen(0)
const { multiplayer } = server
const spawner = multiplayer.spawner('/root/Main/Spawner')
/** The quarter that a client sees. */
const isNear = (id: number, { x, y }: Vector2): boolean =>
  Math.floor(x * 2 / SIZE) + 2 * Math.floor(y * 2 / SIZE) === id % 4
const positions = Array.from({ length: nodes }, (_, at) => new Vector2(at * 37 % SIZE, at * 91 % SIZE))
const balls = positions.map((position, at) => spawner.spawn(`N${at}`, { scene: 0 }, { position: { kind: Vector2 } }, {
  position
}, shown === 'filter' ? { visibility: id => isNear(id, positions[at]) } : {}))
if (shown === 'interest') {
  spawner.interest((id, { name }) => isNear(id, positions[Number(name.slice(1))]), INTEREST_MILLISECONDS)
}

let ticks = 0
let due = performance.now()
function run (): void {
  for (; due <= performance.now(); due += 1000 / RATE) tick()
  setTimeout(run, due - performance.now())
}

function tick (): void {
  ticks++
  for (let at = 0; at < nodes; at++) {
    const { x, y } = positions[at]
    positions[at] = new Vector2((x + 1) % SIZE, y)
    balls[at].set('position', positions[at])
  }
  multiplayer.sync()
}

run()
console.log(server.port)
let last = process.cpuUsage()
createInterface({ input: process.stdin }).on('line', () => {
  const { user, system } = process.cpuUsage(last)
  last = process.cpuUsage()
  console.log(JSON.stringify({ cpu: user + system, ticks }))
  ticks = 0
})
