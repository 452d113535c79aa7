import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { root } from '../../scripts/root.ts'
import { WebSocketServer } from '../../index.ts'
import { connectNats } from '../../src/cluster/bus/nats-bus.ts'
import { adminToken, readExamples, startExample, type Example } from '../helper/documents/doc-examples.ts'
import { freePort } from '../helper/free-port.ts'
import { keyFile, pem } from '../helper/sockets/keys.ts'
import { NatsServer, startNats } from '../helper/programs/nats.ts'
import { asCall, RelaySocket } from '../helper/sockets/relay-socket.ts'
import { silentLogger } from '../helper/silent-logger.ts'
import { skipWithout } from '../helper/programs/skip-without.ts'
import { until } from '../helper/until.ts'
import { temporaryFolder } from '../helper/temporary-folder.ts'

const PAGE = 'docs/cluster.md'
const needsNats = { ...skipWithout('nats-server'), timeout: 120_000 }
const examples = await readExamples(PAGE)

function example (name: string): Example {
  return examples.find(example => example.name === name)!
}

t.test('every marked example is one of those below', async t => {
  t.same(examples.map(({ name }) => name), ['three-nodes', 'failover'])
})

t.test('three services in three commands are one cluster', needsNats, async t => {
  const { name, language, code } = example('three-nodes')
  const folder = temporaryFolder(t)
  const documented = ['3001', '3002', '3003', '4222']
  const ports = await Promise.all(documented.map(freePort))
  const own = documented.reduce((text, port, index) => text.replaceAll(port, String(ports[index])), code)
  await startExample(t, { name, language, code: own.replace('/tmp/peers-nats', folder) }, ports)
  const ready = ports.slice(0, 3).map(port => `http://127.0.0.1:${port}`)
  for (const url of ready) await until(async () => (await fetch(`${url}/readyz`)).status === 200)
  const headers = { authorization: `Bearer ${adminToken}` }
  const response = await fetch(`${ready[1]}/api/v1/nodes`, { headers })
  const { items } = await response.json() as { items: Array<{ id: string, state: string }> }
  t.same(items.map(({ id, state }) => `${id} ${state}`).sort(),
    ports.slice(0, 3).map(port => `node-${port} ready`).sort())
  const one = await RelaySocket.connect(t, `ws://127.0.0.1:${ports[0]}/ws/arena`)
  const two = await RelaySocket.connect(t, `ws://127.0.0.1:${ports[2]}/ws/arena`)
  await one.until(`add ${two.id}`)
  two.sendTo(0, 'hello')
  await one.until(`${two.id}: hello`)
})

t.test('the game of failover continues with its scores on another node', needsNats, async t => {
  const broker = await startNats(t)
  const { name, language, code } = example('failover')
  const start = async (): Promise<{ pid: number, port: number }> => {
    const port = await freePort()
    const game = { name, language, code: code.replaceAll('3000', String(port)) }
    return { port, pid: await startExample(t, game, [port], { NATS_URL: broker.url }) }
  }
  const [first, second] = await Promise.all([start(), start()])
  const ann = await join3(t, first.port, 'Ann')
  const ben = await join3(t, second.port, 'Ben')
  ben.call('hit')
  await ben.until(line => scoresOf(line).includes('["Ann",0]') && scoresOf(line).includes('["Ben",1]'))
  await untilKept(t, broker.url, '["Ben",1]')

  process.kill(first.pid, 'SIGKILL')
  await ben.until('add 1', { from: ben.heard.indexOf('add 1') + 1 })
  const from = ben.heard.lastIndexOf('add 1')
  ben.call('hit')
  const scores = await ben.until(line => scoresOf(line).includes('["Ben",2]'), { from })
  t.notMatch(scores, /Ann/)
  t.equal(ben.heard.filter(line => line === `del ${ann.id}`).length, 1)
})

/** A player that has joined the game. */
async function join3 (t: Test, port: number, name: string): Promise<RelaySocket> {
  const player = await RelaySocket.connect(t, `ws://127.0.0.1:${port}/ws/ice`, {}, asCall)
  player.call('join', name)
  await player.until(line => scoresOf(line).includes(name))
  return player
}

function scoresOf (line: string): string {
  return line.startsWith('1: scores ') ? line : ''
}

/** Resolves when the state of the room holds this text. */
async function untilKept (t: Test, servers: string, text: string): Promise<void> {
  const bus = await connectNats({ servers }, silentLogger)
  t.teardown(() => bus.close())
  const store = await bus.openStore('gdws-default-state')
  await new Promise<void>(resolve => {
    store.watch(({ value }) => { if (value !== undefined && Buffer.from(value).includes(text)) resolve() })
  })
}

t.test('the brokers of the production example: a node joins, and is there when one was killed', needsNats, async t => {
  const brokers = await startBrokers(t)
  // As in the page, but for the addresses, and the password that its configuration takes from the environment.
  const node = new WebSocketServer({
    gdMpApi: true,
    rooms: true,
    closeTimeout: 0.2,
    log: silentLogger,
    bindIp: '127.0.0.1',
    cluster: {
      servers: brokers.map(({ port }) => `tls://localhost:${port}`),
      user: 'peers',
      password: 'secret',
      tls: { ca: pem('root.pem') },
      replicas: 3
    }
  })
  t.teardown(async () => { await node.stop() })
  // The brokers first agree on who leads.
  await until(async () => await node.listen(0).then(() => true, () => false))
  const room = await node.cluster.openRoom('final')
  await room.state.set(Buffer.from('round 3'))
  await brokers[0].kill()
  // The others agree on another leader.
  await until(async () => await room.state.set(Buffer.from('round 4')).then(() => true, () => false))
  t.equal(Buffer.from((await room.state.get())!).toString(), 'round 4')
  // If they took longer than its lease it has joined again.
  await until(() => node.cluster.isReady, () => 'the node to be in the cluster')
})

/** Starts the three brokers of the page. */
async function startBrokers (t: Test): Promise<NatsServer[]> {
  const [, documented] = /^```conf\n(.*?)^```$/ms.exec(await readFile(join(root, PAGE), 'utf8'))!
  const folder = temporaryFolder(t)
  await writeFile(join(folder, 'server.pem'), pem('leaf.pem') + pem('middle.pem'))
  const routes = await Promise.all([freePort(), freePort(), freePort()])
  const brokers = await Promise.all(routes.map(async (route, index) => {
    const text = documented
      .replace('server_name: nats-1', `server_name: nats-${index + 1}`)
      .replace('listen: 10.0.1.1:4222', 'listen: 127.0.0.1:-1')
      .replace('listen: 10.0.1.1:6222', `listen: 127.0.0.1:${route}`)
      .replaceAll(/10\.0\.1\.(\d):6222/g, (_address, number) => `127.0.0.1:${routes[Number(number) - 1]}`)
      // The helper sets the folder.
      .replace('store_dir: /var/lib/nats', '')
      .replace('/etc/nats/server.pem', join(folder, 'server.pem'))
      .replace('/etc/nats/server.key', keyFile('leaf.key'))
      .replace('$PEERS_PASSWORD', 'secret')
    const file = join(folder, `nats-${index + 1}.conf`)
    await writeFile(file, text)
    return new NatsServer(join(folder, `store-${index}`), ['-c', file])
  }))
  t.teardown(async () => { await Promise.all(brokers.map(async broker => { await broker.kill() })) })
  await Promise.all(brokers.map(async broker => { await broker.start() }))
  return brokers
}
