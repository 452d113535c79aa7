import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { root } from '../../scripts/root.ts'
import { connectNats } from '../../src/cluster/bus/nats-bus.ts'
import { freePort } from '../helper/free-port.ts'
import { asCall, RelaySocket } from '../helper/sockets/relay-socket.ts'
import { startExample, startGodotProject } from '../helper/programs/running-program.ts'
import { silentLogger } from '../helper/silent-logger.ts'
import { skipWithout } from '../helper/programs/skip-without.ts'
import { until } from '../helper/until.ts'

const skip = [skipWithout('godot3-server'), skipWithout('nats-server')].find(({ skip }) => skip !== false)

t.test('a real player continues to play, with its score, when the home of its room is killed', {
  ...skip, timeout: 120_000
}, async t => {
  const { port, brokerUrl, processes } = await startCluster(t)
  const urlOf = (node: number): string => `ws://127.0.0.1:${port + node}/ws/ice`
  // The first one opens the room on its node.
  const ann = await RelaySocket.connect(t, urlOf(0), {}, asCall)
  ann.call('join', 'Ann')
  const watcher = await RelaySocket.connect(t, urlOf(2), {}, asCall)
  startGodotProject(t, join(root, 'examples/arena/godot'), `--server=${urlOf(1)}`, '--name=Ben', '--bot')
  await watcher.until(/^1: scores .*"Ann".*"Ben",[1-9]/)
  const kept = await keptScore(t, brokerUrl, 'ice', 'Ben')
  t.ok(kept > 0, `Ben has ${kept}`)

  process.kill(processes[0], 'SIGKILL')
  await watcher.until('del 1')
  await watcher.until(`del ${ann.id}`)
  const from = watcher.heard.indexOf('del 1')
  // Ben joins again, perhaps before the state was read.
  const restored = await watcher.until(line => scoreOf('Ben', line) >= kept, { from })
  t.notMatch(restored, /"Ann"/)
  await watcher.until(line => scoreOf('Ben', line) > scoreOf('Ben', restored), { from })
  t.equal(watcher.heard.filter(line => line === `del ${ann.id}`).length, 1, 'Ann has left once')
})

/** Starts a broker and three nodes; the ports of the nodes follow each other. */
async function startCluster (t: Test): Promise<{ port: number, brokerUrl: string, processes: number[] }> {
  const [port, brokerPort] = [await freePorts(3), await freePort()]
  const example = startExample(t, 'cluster', port, brokerPort)
  // It removes the folder of the broker.
  t.teardown(async () => { await example.stop() })
  const { lines } = example
  await until(() => lines.filter(line => line.includes('listening at')).length === 3, () => lines.join('\n'))
  const processes = lines.flatMap(line => /process (\d+)$/.exec(line)?.[1] ?? []).map(Number)
  return { port, brokerUrl: `nats://127.0.0.1:${brokerPort}`, processes }
}

/** The first of this many consecutive free ports. */
async function freePorts (count: number): Promise<number> {
  const first = await freePort()
  const servers = Array.from({ length: count }, () => createServer())
  try {
    for (const [index, server] of servers.entries()) await once(server.listen(first + index, '127.0.0.1'), 'listening')
    return first
  } catch {
    return await freePorts(count)
  } finally {
    for (const server of servers) server.close()
  }
}

/** The score of a player in the state that the cluster keeps of a room, once it is over 0. */
async function keptScore (t: Test, servers: string, room: string, name: string): Promise<number> {
  const bus = await connectNats({ servers }, silentLogger)
  t.teardown(() => bus.close())
  const store = await bus.openStore('gdws-default-state')
  let score = 0
  await until(async () => {
    const { players } = JSON.parse(Buffer.from((await store.get(room))?.value ?? '{"players":[]}').toString())
    const found = players.find(([, player]: [number, { name: string }]) => player.name === name)
    score = found?.[1].score ?? 0
    return score > 0
  })
  return score
}

function scoreOf (name: string, line: string): number {
  return Number(new RegExp(`^1: scores .*"${name}",(\\d+)`).exec(line)?.[1])
}
