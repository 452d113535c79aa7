import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { adminRoutes } from '../../index.ts'
import type { Bus } from '../../src/cluster/bus/bus.ts'
import { openAdminCluster, type AdminCluster, type Api } from '../helper/admin-cluster.ts'
import { simulateTime, stopTime } from '../helper/clock.ts'
import { command } from '../helper/programs/command.ts'
import { jsonRequest } from '../helper/host.ts'
import { joinRoom, openMemoryCluster, quickTimings, settled } from '../helper/memory/memory-cluster.ts'
import type { RoomClient } from '../helper/memory/room-client.ts'
import { silentLogger } from '../helper/silent-logger.ts'
import { until } from '../helper/until.ts'

const text = (body: string): RequestInit => ({ method: 'POST', headers: { 'content-type': 'text/plain' }, body })

interface Players extends AdminCluster { readonly clients: readonly RoomClient[], readonly ids: readonly number[] }

/** Three nodes, each with a client in `arena`, the REST API on each. */
async function openArena (t: Test): Promise<Players> {
  const cluster = await openAdminCluster(t, 3, { closeTimeout: 60 })
  const clients: RoomClient[] = []
  t.teardown(() => { for (const client of clients) client.disconnect() })
  for (const node of cluster.nodes) clients.push(await joinRoom(node, 'arena'))
  return { ...cluster, clients, ids: clients.map(({ id }) => id) }
}

/** The JSON of a response, with its status. */
async function answer (response: Promise<Response>): Promise<any> {
  const { status } = await response
  return { status, ...await (await response).json() as object }
}

const json = async (api: Api, path: string): Promise<any> => await (await api(path)).json()

/** Disconnects a node from the broker until the test is over. */
function cut (t: Test, broker: AdminCluster['broker'], bus: Bus): void {
  broker.cut(bus)
  t.teardown(() => { broker.restore(bus) })
}

/** Serves the sockets of a client until a condition holds: it answers close frames. */
async function serveUntil (clients: readonly RoomClient[], condition: () => boolean): Promise<void> {
  await until(async () => {
    await settled()
    for (const client of clients) client.unhear(await client.heard())
    return condition()
  })
}

t.test('every node lists the peers of all nodes, and names their nodes', async t => {
  const { apis, ids } = await openArena(t)
  for (const api of apis) {
    const { items, meta, ...rest } = await json(api, '/peers')
    t.same(items.map(({ id, node }: any) => [id, node]), ids.map((id, at) => [id, `node-${at}`]).sort(([a], [b]) =>
      Number(a) - Number(b)))
    t.same(meta, { count: 3 })
    t.same(rest, { nextCursor: null }, 'all nodes have answered')
  }
  const local = await json(apis[1], '/peers?scope=local')
  t.same(local.items.map(({ id }: any) => id), [ids[1]])
  t.same(local.meta, { count: 1 })
  const members = await json(apis[2], '/rooms/arena/peers?sort=connectedAt&order=desc')
  // Two may have connected within the same millisecond: then their ids decide.
  const latestFirst = [...members.items].sort((a, b) =>
    Date.parse(b.connectedAt) - Date.parse(a.connectedAt) || b.id - a.id)
  t.same(members.items, latestFirst)
  t.same(members.items.map(({ id }: any) => id).sort(), [...ids].sort())
  t.same((await json(apis[0], '/peers?room=main')).items, [])
})

t.test('every node reads a peer of any other', async t => {
  const { apis, ids } = await openArena(t)
  for (const api of apis) {
    for (const [at, id] of ids.entries()) {
      const peer = await json(api, `/peers/${id}`)
      t.match(peer, { id, room: 'arena', node: `node-${at}`, address: '192.0.2.7', state: 'open', packetsIn: 0 })
      t.same(await json(api, `/peers/${id}/exists`), { exists: true })
      t.same(await json(api, `/peers/${id}/address`), { address: '192.0.2.7' })
      t.same(await json(api, `/peers/${id}/port`), { port: peer.port })
      t.equal((await api(`/peers/${id}`, { method: 'HEAD' })).status, 200)
    }
    const nobody = ids[0] + 1 === ids[1] ? ids[0] + 2 : ids[0] + 1
    for (const id of [nobody, 1 << 30]) {
      t.equal((await api(`/peers/${id}`)).status, 404)
      t.equal((await api(`/peers/${id}`, { method: 'DELETE' })).status, 404)
      t.same(await json(api, `/peers/${id}/exists`), { exists: false })
    }
  }
})

t.test('kicks a peer of another node, with code and reason, and reports how it ended', async t => {
  const { apis, ids, clients } = await openArena(t)
  const kicked = answer(apis[0](`/peers/${ids[2]}?code=4001&reason=out&wait=10`, { method: 'DELETE' }))
  await serveUntil(clients, () => clients[2].closed !== undefined)
  t.same(clients[2].closed, [4001, 'out'])
  t.match(await kicked, { status: 200, outcome: 'clean', code: 4001 })
  t.equal((await apis[0](`/peers/${ids[2]}`)).status, 404)
  t.match(await answer(apis[0](`/peers/${ids[1]}`, { method: 'DELETE' })), { status: 202, state: 'closing' })
  t.equal((await apis[0](`/peers/${ids[1]}?code=1005`, { method: 'DELETE' })).status, 400)
})

t.test('disconnects peers of all nodes by ids and by filter', async t => {
  const { apis, ids, clients } = await openArena(t)
  const unknown = [1 << 30, ids[0] - (ids[0] % 2 === 0 ? 1 : -1)]
  const some = { ids: [ids[0], ids[2], ...unknown], excluded: [ids[0]], code: 4002 }
  const { notFound, ...rest } = await answer(apis[1]('/peers/disconnect', jsonRequest('POST', some)))
  t.same(rest, { status: 200, requested: 1 })
  t.same(notFound.sort(), unknown.sort())
  await serveUntil(clients, () => clients[2].closed !== undefined)
  t.same(clients.map(({ closed }) => closed?.[0]), [undefined, undefined, 4002])
  const all = { filter: { room: 'arena' }, excluded: [ids[1]], code: 4003 }
  t.same(await answer(apis[1]('/peers/disconnect', jsonRequest('POST', all))),
    { status: 200, requested: 1, notFound: [] })
  await serveUntil(clients, () => clients[0].closed !== undefined)
  t.same(clients.map(({ closed }) => closed?.[0]), [4003, undefined, 4002])
  t.same(await answer(apis[0]('/peers/disconnect', jsonRequest('POST', { all: true }))),
    { status: 200, requested: 1, notFound: [] })
})

t.test('sends packets to peers of all nodes', async t => {
  const { apis, ids, clients } = await openArena(t)
  const heard = async (): Promise<string[][]> => {
    await settled()
    const lines = []
    for (const client of clients) lines.push((await client.heard()).filter(line => line.startsWith('1: ')))
    return lines
  }
  await heard()
  t.match(await answer(apis[0](`/peers/${ids[2]}/packets?raw=true`, text('one'))), { status: 202, bytes: 3 })
  t.same(await heard(), [[], [], ['1: one']])
  t.same(await answer(apis[0]('/packets?raw=true', text('all'))), { status: 202, recipients: 3 })
  t.same(await heard(), [['1: all'], ['1: all'], ['1: all']])
  t.same(await answer(apis[0](`/packets?raw=true&target=${-ids[1]}`, text('but'))), { status: 202, recipients: 2 })
  t.same(await heard(), [['1: but'], [], ['1: but']])
  t.same(await answer(apis[0](`/packets?raw=true&excluded=${ids[0]},${ids[2]}`, text('ex'))),
    { status: 202, recipients: 1 })
  t.same(await heard(), [[], ['1: ex'], []])
  t.same(await answer(apis[1](`/packets?raw=true&ids=${ids[0]},${ids[2]}`, text('by'))), { status: 202, recipients: 2 })
  t.same(await heard(), [['1: by'], [], ['1: by']])
  t.same(await answer(apis[1](`/packets?raw=true&room=arena&excluded=${ids[0]}`, text('fit'))),
    { status: 202, recipients: 2 })
  t.same(await heard(), [[], ['1: fit'], ['1: fit']])
  t.same(await answer(apis[1](`/packets?raw=true&target=${ids[0]}`, text('to'))), { status: 202, recipients: 1 })
  t.same(await heard(), [['1: to'], [], []])
  t.same(await answer(apis[1]('/rooms/arena/packets?raw=true', text('room'))), { status: 202, recipients: 3 })
  t.same(await heard(), [['1: room'], ['1: room'], ['1: room']])
  t.same(await answer(apis[1](`/rooms/arena/packets?raw=true&target=${ids[2]}`, text('in'))),
    { status: 202, recipients: 1 })
  t.same(await heard(), [[], [], ['1: in']])
  t.equal((await apis[1](`/rooms/main/packets?raw=true&target=${ids[2]}`, text('x'))).status, 404)
  t.equal((await apis[1]('/rooms/nowhere/packets', text('x'))).status, 404)
  t.equal((await apis[1](`/peers/${1 << 30}/packets`, text('x'))).status, 404)
  t.equal((await apis[1](`/peers/${ids[0]}/packets`, text('x'.repeat(70_000)))).status, 413)
})

t.test('opens, reads, changes and closes a room from any node', async t => {
  const { nodes, apis } = await openAdminCluster(t, 3)
  const opened = await answer(apis[0]('/rooms', jsonRequest('POST', { name: 'duel', maxPeers: 2, data: { map: 'a' } })))
  t.match(opened, { status: 201, name: 'duel', maxPeers: 2, node: 'node-0', peers: 0 })
  await settled()
  t.equal((await apis[2]('/rooms', jsonRequest('POST', { name: 'duel' }))).status, 409)
  const client = await joinRoom(nodes[1], 'duel')
  for (const api of apis) {
    t.match(await json(api, '/rooms/duel'), { name: 'duel', maxPeers: 2, node: 'node-0', peers: 1, data: { map: 'a' } })
    const { items, meta, ...rest } = await json(api, '/rooms?q=duel')
    t.match(items, [{ name: 'duel', peers: 1, node: 'node-0' }])
    t.same([meta, rest], [{ count: 1 }, { nextCursor: null }])
  }
  t.same((await json(apis[0], '/rooms?scope=local')).items.map(({ name }: any) => name), ['duel', 'main'])
  t.same((await json(apis[2], '/rooms?scope=local')).items, [])
  t.match(await answer(apis[2]('/rooms/duel', jsonRequest('PATCH', { locked: true }))),
    { status: 200, locked: true, maxPeers: 2, node: 'node-0' })
  await settled()
  t.equal(nodes[0].room('duel').locked, true)
  t.equal((await json(apis[1], '/rooms/duel')).locked, true)
  t.equal((await apis[2]('/rooms/nowhere', jsonRequest('PATCH', { locked: true }))).status, 404)
  t.same(await answer(apis[2]('/rooms/duel?code=4009', { method: 'DELETE' })),
    { status: 202, state: 'closing', peers: 1 })
  await serveUntil([client], () => client.closed !== undefined)
  t.equal(client.closed?.[0], 4009)
  await settled()
  for (const api of apis) t.equal((await api('/rooms/duel')).status, 404)
  t.equal((await apis[1]('/rooms/duel', { method: 'DELETE' })).status, 404)
})

t.test('names a node that does not respond, instead of returning 404', async t => {
  const { apis, ids, broker, buses, clients } = await openArena(t)
  cut(t, broker, buses[2])
  const partial = { partial: true, unreachable: ['node-2'] }
  for (const api of apis.slice(0, 2)) {
    const { items, meta, nextCursor, ...rest } = await json(api, '/peers')
    t.same(items.map(({ id }: any) => id), [ids[0], ids[1]].sort((a, b) => a - b))
    t.same([meta, rest], [{ count: 2 }, partial])
    t.match(await json(api, '/rooms/arena/peers'), partial)
    t.notHas(await json(api, '/peers?scope=local'), partial)
    for (const [path, init] of [
      [`/peers/${ids[2]}`], [`/peers/${ids[2]}`, { method: 'DELETE' }], [`/peers/${ids[2]}/packets`, text('x')],
      [`/packets?target=${ids[2]}`, text('x')]
    ] as Array<[string, RequestInit?]>) {
      const problem = await answer(api(path, init))
      t.match(problem, { status: 503, code: 'cluster-unavailable' }, path)
    }
    t.same(await answer(api('/packets', text('x'))), { status: 202, recipients: 2, ...partial })
  }
  t.same(await answer(apis[0]('/peers/disconnect', jsonRequest('POST', { ids: [ids[1], ids[2]] }))),
    { status: 200, requested: 1, notFound: [], ...partial })
  t.match(await answer(apis[0]('/rooms/arena', { method: 'DELETE' })), { status: 202, ...partial })
  await serveUntil(clients, () => clients[0].closed !== undefined)
  t.equal(clients[2].closed, undefined)
})

t.test('a room whose home does not respond is neither changed nor closed', async t => {
  const { nodes, apis, broker, buses } = await openAdminCluster(t, 3)
  await nodes[2].cluster.openRoom('far')
  await settled()
  cut(t, broker, buses[2])
  t.match(await json(apis[0], '/rooms/far'), { name: 'far', node: 'node-2' })
  for (const init of [jsonRequest('PATCH', { locked: true }), { method: 'DELETE' }]) {
    t.match(await answer(apis[0]('/rooms/far', init)), { status: 503, code: 'cluster-unavailable' })
  }
})

t.test('lists and reads the nodes', async t => {
  const { nodes, apis, broker, buses } = await openAdminCluster(t, 3)
  const client = await joinRoom(nodes[1], 'arena')
  for (const api of apis) {
    const { items, ...rest } = await json(api, '/nodes')
    t.same(rest, {})
    t.same(items.map(({ id, slot, state, peers, rooms }: any) => [id, slot, state, peers.open, rooms]), [
      ['node-0', nodes[0].cluster.slot, 'ready', 0, 1],
      ['node-1', nodes[1].cluster.slot, 'ready', 1, 1],
      ['node-2', nodes[2].cluster.slot, 'ready', 0, 0]
    ].sort(([, a], [, b]) => Number(a) - Number(b)))
    t.match(await json(api, '/nodes/node-1'), { id: 'node-1', state: 'ready', peers: { open: 1 } })
    t.match(await answer(api('/nodes/node-7')), { status: 404, code: 'ERR_DOES_NOT_EXIST' })
    t.equal((await api('/nodes/a%20b')).status, 400)
  }
  cut(t, broker, buses[1])
  const { items, ...rest } = await json(apis[2], '/nodes')
  t.same(rest, { partial: true, unreachable: ['node-1'] })
  t.match(items.find(({ id }: any) => id === 'node-1'), { state: 'unreachable', peers: undefined })
  t.match(await answer(apis[2]('/nodes/node-1')), { status: 200, state: 'unreachable' })
  t.match(await answer(apis[2]('/nodes/node-1/drain', { method: 'POST' })),
    { status: 503, code: 'cluster-unavailable' })
  client.disconnect()
})

t.test('drains a node: its peers are closed with 1001, and it accepts no others', async t => {
  const { nodes, apis, urls } = await openAdminCluster(t, 2)
  const clients = [await joinRoom(nodes[0], 'arena'), await joinRoom(nodes[1], 'arena')]
  const drain = jsonRequest('POST', { reason: 'new version' })
  t.same(await answer(apis[0]('/nodes/node-1/drain', drain)), { status: 202, state: 'draining', peers: 1 })
  await serveUntil(clients, () => clients[1].closed !== undefined)
  t.same(clients.map(({ closed }) => closed), [undefined, [1001, 'new version']])
  t.match(await json(apis[0], '/nodes/node-1'), { state: 'draining' })
  t.equal((await joinRoom(nodes[1], 'arena')).refusal, 'refusing-connections')
  t.same(await Promise.all(urls.map(async url => (await fetch(`${url}/readyz`)).status)), [200, 503])
  t.equal((await joinRoom(nodes[0], 'arena')).refusal, undefined)
})

t.test('a ban on one node holds on all nodes, and outlives the node', async t => {
  const { nodes, apis, clients } = await openArena(t)
  const ban = await answer(apis[0]('/bans', jsonRequest('POST', { address: '192.0.2.0/24', reason: 'rude' })))
  t.match(ban, { status: 201, address: '192.0.2.0/24', reason: 'rude', partial: undefined })
  await serveUntil(clients, () => clients.every(({ closed }) => closed !== undefined))
  t.same(clients.map(({ closed }) => closed), clients.map(() => [1008, 'rude']))
  await nodes[0].stop()
  for (const [at, api] of apis.entries()) {
    if (at === 0) continue
    const { status, ...entry } = ban
    t.same((await json(api, '/bans')).items, [entry])
    t.equal((await joinRoom(nodes[at], 'arena')).refusal, 'banned')
  }
  t.equal((await apis[2]('/bans/192.0.2.0%2F24', { method: 'DELETE' })).status, 204)
  await settled()
  t.same((await json(apis[1], '/bans')).items, [])
  // The room ends, as its home has left.
  await until(async () => (await apis[1]('/rooms/arena')).status === 404)
  const accepted = await joinRoom(nodes[1], 'arena')
  t.equal(accepted.refusal, undefined)
  await nodes[0].listen()
  t.same(nodes[0].bans(), [], 'it was lifted while the node was away')
  accepted.disconnect()
})

t.test('bans the address of a peer on another node', async t => {
  const { nodes, apis, clients, ids } = await openArena(t)
  const ban = jsonRequest('POST', { ids: [ids[2], 1 << 30], reason: 'rude' })
  t.same(await answer(apis[0]('/peers/ban', ban)), { status: 200, peers: 1, banned: 1, notFound: [1 << 30] })
  // They all have the same address.
  await serveUntil(clients, () => clients.every(({ closed }) => closed !== undefined))
  t.same(clients.map(({ closed }) => closed), clients.map(() => [1008, 'rude']))
  t.same(nodes.map(node => node.bans().map(({ address }) => address)), nodes.map(() => ['192.0.2.7']))
})

t.test('nodes can change different rules of rooms at the same time, and keep their local values', async t => {
  const { nodes, apis } = await openAdminCluster(t, 3)
  const patch = async (at: number, rooms: object, query = ''): Promise<void> => {
    t.match(await answer(apis[at](`/server${query}`, jsonRequest('PATCH', { rooms }))), { status: 200 })
  }
  await patch(1, { maxRooms: 5 }, '?scope=local')
  await Promise.all([patch(0, { emptyTimeout: 11 }), patch(1, { maxPeersPerRoom: 12 })])
  await settled()
  for (const [at, { options: { rooms } }] of nodes.entries()) {
    t.same(rooms, { joinPerMinute: 0, emptyTimeout: 11, maxPeersPerRoom: 12, ...at === 1 && { maxRooms: 5 } })
  }
})

t.test('bans and settings of a node that has lost the broker are shared when it is back', async t => {
  simulateTime(t)
  const { nodes, apis, broker, buses } = await openAdminCluster(t, 3, {}, quickTimings)
  await apis[0]('/bans', jsonRequest('POST', { address: '2001:db8::/32' }))
  await settled()
  broker.cut(buses[1])
  const banned = await answer(apis[1]('/bans', jsonRequest('POST', { address: '198.51.100.7' })))
  t.match(banned, { status: 201, partial: true })
  t.same(banned.unreachable.sort(), ['node-0', 'node-2'])
  t.match(await answer(apis[1]('/server', jsonRequest('PATCH', { maxPeers: 7 }))), { status: 200, partial: true })
  t.equal((await apis[2]('/bans/2001:db8::%2F32', { method: 'DELETE' })).status, 204)
  await settled()
  t.same(nodes.map(node => node.bans().length), [0, 2, 0])
  broker.restore(buses[1])
  await settled()
  await settled()
  for (const node of nodes) {
    t.same(node.bans().map(({ address }) => address), ['198.51.100.7'])
    t.equal(node.options.maxPeers, 7)
  }
  broker.forget()
  await settled()
  await settled()
  await nodes[2].stop()
  await nodes[2].listen()
  t.same(nodes[2].bans().map(({ address }) => address), ['198.51.100.7'], 'the others have written it again')
})

t.test('settings change on all nodes, or on one; a node that joins later has them too', async t => {
  const { nodes, apis } = await openAdminCluster(t, 2)
  await nodes[1].stop()
  const body = { maxPeers: 9, allowedOrigins: ['https://game.example'], rooms: { maxRooms: 5 } }
  t.match(await answer(apis[0]('/server', jsonRequest('PATCH', body))),
    { status: 200, node: 'node-0', partial: undefined })
  await nodes[1].listen()
  t.match(nodes[1].options, body)
  await apis[1]('/server', jsonRequest('PATCH', { allowedOrigins: null }))
  await apis[1]('/server?scope=local', jsonRequest('PATCH', { maxPeers: 3 }))
  await settled()
  t.same(nodes.map(({ options }) => [options.maxPeers, options.allowedOrigins]), [[9, undefined], [3, undefined]])
})

t.test('a cursor of one node is valid on the others, a forged one on none', async t => {
  const { apis, ids } = await openArena(t)
  const sorted = [...ids].sort((a, b) => a - b)
  const first = await json(apis[0], '/peers?limit=1')
  t.same(first.items.map(({ id }: any) => id), sorted.slice(0, 1))
  const second = await json(apis[1], `/peers?limit=1&cursor=${first.nextCursor}`)
  t.same(second.items.map(({ id }: any) => id), sorted.slice(1, 2))
  const third = await json(apis[2], `/peers?limit=5&cursor=${second.nextCursor}`)
  t.same([third.items.map(({ id }: any) => id), third.nextCursor], [sorted.slice(2), null])
  const forged = (first.nextCursor.startsWith('x') ? 'y' : 'x') + first.nextCursor.slice(1)
  t.equal((await apis[2](`/peers?cursor=${forged}`)).status, 400)
  t.equal((await apis[2](`/rooms?cursor=${first.nextCursor}`)).status, 400)
})

t.test('metrics count the nodes, and what was sent to them', async t => {
  const { nodes, urls } = await openAdminCluster(t, 2)
  await joinRoom(nodes[0], 'arena')
  const text = await (await fetch(`${urls[0]}/metrics`)).text()
  t.match(text, /^peer_server_cluster_nodes\{server="peerServer",state="ready"\} 2$/m)
  t.match(text, /^peer_server_cluster_nodes\{server="peerServer",state="draining"\} 0$/m)
  const [, age] = /^peer_server_cluster_lease_age_seconds\{server="peerServer"\} (\S+)$/m.exec(text)!
  t.ok(Number(age) > 0 && Number(age) < 60, `lease renewed ${age} s ago`)
  t.match(text, /^peer_server_cluster_sent_messages_total\{server="peerServer",kind="peers"\} 1$/m)
  t.match(text, /^peer_server_cluster_lost_messages_total\{server="peerServer"\} 0$/m, 'its first increase shows')
  t.match(text, /^peer_server_cluster_sent_bytes_total\{server="peerServer",kind="peers"\} [1-9]/m)
})

t.test('the sum of the metrics of all nodes has each room once', async t => {
  const { nodes, urls } = await openAdminCluster(t, 3)
  for (const node of nodes) await joinRoom(node, 'arena')
  await joinRoom(nodes[2], 'solo')
  const counts = await Promise.all(urls.map(async url => {
    const text = await (await fetch(`${url}/metrics`)).text()
    return Number(/^peer_server_rooms\{server="peerServer"\} (\d+)$/m.exec(text)![1])
  }))
  t.same(counts, [2, 0, 1], '`main` and arena, nothing, solo')
})

t.test('the audit log names the node that the request was sent to', async t => {
  const { nodes } = await openMemoryCluster(t, 2)
  const audits: any[] = []
  const write = (line: string): void => {
    const { audit } = JSON.parse(line)
    if (audit !== undefined) audits.push(audit)
  }
  const app = Fastify({ logger: { level: 'info', stream: { write } } })
  t.teardown(async () => { await app.close() })
  app.decorate('peerServer', nodes[1])
  await app.register(adminRoutes, { auth: false })
  await app.inject({ method: 'POST', url: '/nodes/node-1/drain', payload: { reason: 'bye' } })
  t.match(audits, [{
    action: 'drainNode', parameters: { node: 'node-1', reason: 'bye' }, status: 202, node: 'node-1'
  }])
  t.equal(audits.length, 1)
})

t.test('a node that never responds, as one without the REST API, is logged once per burst', async t => {
  const warnings: unknown[] = []
  const warn = (details: object, message: string): void => { warnings.push([message, details]) }
  const { nodes } = await openMemoryCluster(t, 2, { log: { ...silentLogger, warn } })
  const app = Fastify()
  t.teardown(async () => { await app.close() })
  app.decorate('peerServer', nodes[0])
  await app.register(adminRoutes, { auth: false })
  stopTime(t)
  for (let i = 0; i < 20; i++) {
    t.match((await app.inject('/peers')).json(), { unreachable: ['node-1'] })
    t.match((await app.inject('/nodes')).json(), { unreachable: ['node-1'] })
  }
  t.match(warnings, [['node did not respond', { node: 'node-1', err: { message: /unknown command/ } }]])
  t.equal(warnings.length, 1)
})

t.test('the terminal lists the nodes and the node of each peer, and drains a node', async t => {
  const { nodes, urls } = await openAdminCluster(t, 2)
  const client = await joinRoom(nodes[1], 'arena')
  const [url] = urls
  const listed = await command(['nodes', '--url', url])
  t.match(listed, { code: 0, output: /^NODE +SLOT +STATE +AGE +PEERS +ROOMS *\n/ })
  t.match(listed.output, /^node-1 +\d+ +ready .* 1 +1 *$/m)
  t.match((await command(['peers', '--url', url])).output, new RegExp(`^${client.id} .* node-1 `, 'm'))
  t.match(await command(['nodes', 'drain', '--url', url]), { code: 2 })
  t.match(await command(['nodes', 'drain', 'node-7', '--url', url]), { code: 1, errors: /node node-7 does not exist/ })
  t.match(await command(['nodes', 'drain', 'node-1', '--reason', 'bye', '--url', url]),
    { code: 0, output: 'draining node-1: 1 peer closing\n' })
  await serveUntil([client], () => client.closed !== undefined)
  t.same(client.closed, [1001, 'bye'])
})
