import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { jsonRequest, nextClose } from '../../helper/host.ts'
import { startNats } from '../../helper/programs/nats.ts'
import { startService, type Service } from '../../helper/programs/service.ts'
import { until } from '../../helper/until.ts'

/** Connects a client to a room of a node; its id. */
async function join (t: Test, { port }: Service, room: string): Promise<{ id: number, socket: WebSocket }> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/${room}`)
  t.teardown(() => { socket.terminate() })
  const [message] = await once(socket, 'message') as [Buffer]
  return { id: message.readInt32LE(9), socket }
}

const json = async (node: Service, path: string): Promise<any> => await (await node.api(path)).json()

t.test('three services and a NATS server have one administration', async t => {
  const nats = await startNats(t)
  const nodes: Service[] = []
  for (const at of [0, 1, 2]) {
    nodes.push(await startService(t, {
      NATS_URL: nats.url, NODE_ID: `game-${at}`, ROOMS: 'true', LOG_LEVEL: 'info', CLOSE_TIMEOUT: '20'
    }))
  }
  for (const node of nodes) {
    await until(async () => (await fetch(`http://127.0.0.1:${node.port}/readyz`)).status === 200)
    await until(async () => (await json(node, '/nodes')).items.length === 3)
  }
  const clients = []
  for (const node of nodes) clients.push(await join(t, node, 'arena'))
  const ids = clients.map(({ id }) => id)
  for (const node of nodes) {
    await until(async () => (await json(node, '/peers')).meta.count === 3)
    t.match(await json(node, `/peers/${ids[1]}`), { id: ids[1], node: 'game-1', room: 'arena' })
    t.match(await json(node, '/rooms/arena'), { peers: 3, node: 'game-0' })
  }

  const kicked = nextClose(clients[2].socket)
  const kick = await nodes[0].api(`/peers/${ids[2]}?code=4001&reason=out&wait=10`, { method: 'DELETE' })
  t.match(await kick.json(), { outcome: 'clean', code: 4001 })
  t.same(await kicked, { code: 4001, reason: 'out' })

  const closed = clients.slice(0, 2).map(async ({ socket }) => await nextClose(socket))
  t.equal((await nodes[2].api('/rooms/arena?code=4002', { method: 'DELETE' })).status, 202)
  t.same(await Promise.all(closed), [{ code: 4002, reason: '' }, { code: 4002, reason: '' }])

  const guest = await join(t, nodes[1], 'main')
  const banned = nextClose(guest.socket)
  t.equal((await nodes[2].api('/bans', jsonRequest('POST', { address: '127.0.0.1', reason: 'rude' }))).status, 201)
  t.same(await banned, { code: 1008, reason: 'rude' })
  t.equal(await nodes[2].stop(), 0)
  await until(async () => (await json(nodes[0], '/nodes')).items.length === 2)
  t.equal((await json(nodes[0], '/bans')).items.length, 1, 'the ban outlives its node')
  t.equal((await nodes[0].api('/bans/127.0.0.1', { method: 'DELETE' })).status, 204)
  await until(async () => (await json(nodes[1], '/bans')).items.length === 0)

  const last = await join(t, nodes[1], 'main')
  const drained = nextClose(last.socket)
  t.equal((await nodes[0].api('/nodes/game-1/drain', jsonRequest('POST', { reason: 'bye' }))).status, 202)
  t.same(await drained, { code: 1001, reason: 'bye' })
  t.equal((await fetch(`http://127.0.0.1:${nodes[1].port}/readyz`)).status, 503)
})

t.test('readyz is 503 until the node has joined, and while the broker is away', async t => {
  const nats = await startNats(t)
  const node = await startService(t, { NATS_URL: nats.url, NODE_ID: 'game-0' })
  const ready = async (): Promise<number> => (await fetch(`http://127.0.0.1:${node.port}/readyz`)).status
  await until(async () => await ready() === 200)
  await nats.kill()
  await until(async () => await ready() === 503)
  t.match(await json(node, '/peers'), { items: [], partial: true })
  await nats.start()
  await until(async () => await ready() === 200)
})

t.test('a service that cannot reach its broker does not start, and says why', async t => {
  const node = await startService(t, { NATS_URL: 'nats://127.0.0.1:1' })
  // A signal that it ignores: it ends by itself.
  t.equal(await node.stop('SIGCONT'), 1)
  t.match(node.log.at(-1), /127\.0\.0\.1:1/)
})

t.test('SIGTERM while the broker does not respond ends the service with 0', async t => {
  const broker = createServer(socket => { t.teardown(() => { socket.destroy() }) }).listen(0, '127.0.0.1')
  t.teardown(() => { broker.close() })
  await once(broker, 'listening')
  const connected = once(broker, 'connection')
  const NATS_URL = `nats://127.0.0.1:${(broker.address() as AddressInfo).port}`
  const service = await startService(t, { NATS_URL })
  await connected
  t.equal(await service.stop(), 0)
})
