import t from 'tap'
import { WebSocket } from 'ws'
import { connectRaw, connectRawWebSocket } from '../../helper/sockets/raw-socket.ts'
import { nextClose, jsonRequest, startHost, type Host } from '../../helper/host.ts'
import { accept } from '../../helper/internals.ts'
import { MemoryConnection } from '../../helper/memory/memory-connection.ts'
import { nextSignal } from '../../helper/next-signal.ts'
import { Godot4Socket } from '../../helper/godot/godot4-socket.ts'
import { until } from '../../helper/until.ts'

t.test('describes a peer', async t => {
  const { api, server, join } = await startHost(t, { server: { protocols: ['chat'] } })
  const { id, socket } = await join('chat')
  const received = nextSignal(server, 'data_received')
  socket.send('four')
  await received
  server.getPeer(id).putPacket(Buffer.from('seven!!'))

  const answer = await api(`/peers/${id}`)
  t.equal(answer.status, 200)
  const { connectedAt, port, bufferedAmount, handshake, ...peer } = await answer.json()
  t.same(peer, {
    id,
    address: '127.0.0.1',
    room: 'main',
    protocol: 'chat',
    state: 'open',
    packetsIn: 1,
    packetsOut: 1,
    bytesIn: 4,
    bytesOut: 7,
    paused: false,
    unreadPackets: 1
  })
  t.match(handshake, {
    url: '/ws',
    headers: { upgrade: 'websocket', 'sec-websocket-protocol': 'chat', 'sec-websocket-key': '***' }
  })
  t.same(server.getPeer(id).handshake, handshake)
  t.ok(Math.abs(Date.parse(connectedAt) - Date.now()) < 10000)
  t.equal(port, server.getPeerPort(id))
  t.ok(bufferedAmount >= 0)
  t.same(await (await api(`/peers/${id}/address`)).json(), { address: '127.0.0.1' })
  t.same(await (await api(`/peers/${id}/port`)).json(), { port })
})

t.test('HEAD and /exists show whether a peer exists', async t => {
  const { api, join } = await startHost(t)
  const { id } = await join()
  const other = id === 2 ? 3 : id - 1
  t.equal((await api(`/peers/${id}`, { method: 'HEAD' })).status, 200)
  t.equal((await api(`/peers/${other}`, { method: 'HEAD' })).status, 404)
  t.same(await (await api(`/peers/${id}/exists`)).json(), { exists: true })
  t.same(await (await api(`/peers/${other}/exists`)).json(), { exists: false })
})

t.test('HEAD has the headers of GET, without a body', async t => {
  const { api, join } = await startHost(t)
  const { id } = await join()
  const [head, get] = [await api(`/peers/${id}`, { method: 'HEAD' }), await api(`/peers/${id}`)]
  for (const name of ['content-type', 'content-length']) t.equal(head.headers.get(name), get.headers.get(name), name)
  t.equal(await head.text(), '')
})

t.test('responds with 404 and a problem for an unknown peer', async t => {
  const { api } = await startHost(t)
  for (const path of ['/peers/7', '/peers/7/address', '/peers/7/port']) {
    const answer = await api(path)
    t.equal(answer.status, 404, path)
    t.match(await answer.json(), {
      code: 'ERR_DOES_NOT_EXIST',
      godotError: 33,
      status: 404,
      title: 'No such peer'
    }, path)
  }
  t.equal((await api('/peers/7', { method: 'DELETE' })).status, 404)
})

t.test('an empty list has no next page', async t => {
  const { api } = await startHost(t)
  t.same(await (await api('/peers')).json(), { items: [], nextCursor: null, meta: { count: 0 } })
})

t.test('lists peers in pages by ascending id', async t => {
  const { api, join } = await startHost(t)
  const ids = []
  for (let i = 0; i < 5; i++) ids.push((await join()).id)
  ids.sort((a, b) => a - b)

  const first = await page({ api }, 'limit=2')
  const second = await page({ api }, `limit=2&cursor=${first.nextCursor}`)
  const third = await page({ api }, `limit=2&cursor=${second.nextCursor}`)
  t.same([first, second, third].map(({ ids }) => ids), [ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)])
  t.equal(third.nextCursor, null)
  t.same((await page({ api }, 'limit=5')).nextCursor, null, 'a full last page has no next page')
})

t.test('lists a peer that is connected throughout pagination exactly once', async t => {
  const { api, server, join } = await startHost(t)
  const staying = new Set<number>()
  for (let i = 0; i < 12; i++) staying.add((await join()).id)
  let restless = await join()

  const seen: number[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const { ids, nextCursor }: Page = await page({ api }, `limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`)
    seen.push(...ids)
    cursor = nextCursor
    // Between two pages one peer leaves, maybe the one that the cursor refers to, and one joins.
    const leaving = server.getPeer(restless.id).ended()
    restless.socket.close()
    await leaving
    restless = await join()
  }
  t.same(seen.filter(id => staying.has(id)), [...staying].sort((a, b) => a - b))
  t.equal(new Set(seen).size, seen.length, 'no peer twice')
})

t.test('a cursor stays valid when its peer leaves', async t => {
  const { api, server, join } = await startHost(t)
  const clients = [await join(), await join(), await join()].sort((a, b) => a.id - b.id)
  const { nextCursor } = await page({ api }, 'limit=1')
  const left = server.getPeer(clients[0].id).ended()
  clients[0].socket.close()
  await left
  t.same((await page({ api }, `cursor=${nextCursor}`)).ids, [clients[1].id, clients[2].id])
})

t.test('filters by subprotocol, address, or both', async t => {
  const { api, join } = await startHost(t, { server: { protocols: ['chat', 'game'] } })
  const { id: chat } = await join('chat')
  const { id: game } = await join('game')
  const both = [chat, game].sort((a, b) => a - b)
  t.same((await page({ api }, 'protocol=chat')).ids, [chat])
  t.same((await page({ api }, 'protocol=nothing')).ids, [])
  for (const address of ['127.0.0.1', '127.0.0.0/8', '0.0.0.0/0', '127.0.0.1/32', '::ffff:127.0.0.1']) {
    t.same((await page({ api }, `address=${address}`)).ids, both, address)
  }
  for (const address of ['10.0.0.0/8', '127.0.0.2', '::1', '::/0']) {
    t.same((await page({ api }, `address=${address}`)).ids, [], address)
  }
  t.same((await page({ api }, 'address=127.0.0.0/8&protocol=game')).ids, [game])
})

t.test('filtered pages are full and complete', async t => {
  const { api, join } = await startHost(t, { server: { protocols: ['chat', 'game'] } })
  const chats: number[] = []
  for (let i = 0; i < 4; i++) {
    chats.push((await join('chat')).id)
    await join('game')
  }
  const first = await page({ api }, 'protocol=chat&limit=3')
  const second = await page({ api }, `protocol=chat&limit=3&cursor=${first.nextCursor}`)
  t.equal(first.ids.length, 3)
  t.same([...first.ids, ...second.ids], chats.sort((a, b) => a - b))
  t.equal(second.nextCursor, null)
})

t.test('disconnects a peer with 1000 by default', async t => {
  const { api, join } = await startHost(t)
  const { id, socket } = await join()
  const end = nextClose(socket)
  const answer = await api(`/peers/${id}`, { method: 'DELETE' })
  t.equal(answer.status, 202)
  t.same(await answer.json(), { state: 'closing' })
  t.same(await end, { code: 1000, reason: '' })
})

t.test('disconnects an authenticating client', async t => {
  const { api, server, port } = await startHost(t, {
    server: { gdMpApi: true, wire: 'godot4', authTimeout: 60, authenticate: () => null }
  })
  const authenticating = nextSignal(server, 'peer_authenticating')
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`)
  t.teardown(() => { socket.terminate() })
  const end = nextClose(socket)
  const [id] = await authenticating
  const answer = await api(`/peers/${id}?code=4001&reason=no&wait=10`, { method: 'DELETE' })
  t.match(await answer.json(), { outcome: 'clean', code: 4001 })
  t.same(await end, { code: 4001, reason: 'no' })
  t.equal((await api(`/peers/${id}`, { method: 'DELETE' })).status, 404)
})

t.test('waits for the disconnect: the client answers', async t => {
  const { api, join, server } = await startHost(t, { server: { closeTimeout: 60 } })
  const { id, socket } = await join()
  const end = nextClose(socket)
  const answer = await api(`/peers/${id}?code=4001&reason=${encodeURIComponent('kicked, sorry ☹')}&wait=10`, {
    method: 'DELETE'
  })
  t.equal(answer.status, 200)
  const { seconds, ...outcome } = await answer.json()
  t.same(outcome, { outcome: 'clean', code: 4001 })
  t.ok(seconds >= 0)
  t.same(await end, { code: 4001, reason: 'kicked, sorry ☹' })
  t.notOk(server.hasPeer(id))
})

t.test('waits for the disconnect: no answer until closeTimeout', async t => {
  const { api, server, port } = await startHost(t)
  const connected = nextSignal(server, 'client_connected')
  await connectRawWebSocket(t, port)
  const [id] = await connected
  const { seconds, ...outcome } = await (await api(`/peers/${id}?wait=10`, { method: 'DELETE' })).json()
  t.same(outcome, { outcome: 'timeout', code: 1000 })
  t.ok(seconds >= 0.29, String(seconds))
})

t.test('waits for the disconnect: the connection breaks', async t => {
  const { api, server, port } = await startHost(t, { server: { closeTimeout: 60 } })
  const connected = nextSignal(server, 'client_connected')
  const raw = await connectRawWebSocket(t, port)
  const [id] = await connected
  const answer = api(`/peers/${id}?code=4002&wait=10`, { method: 'DELETE' })
  await raw.close()
  raw.socket.resetAndDestroy()
  t.match(await (await answer).json(), { outcome: 'reset', code: 4002 })
})

t.test('reports that the peer is still closing when the wait is over', async t => {
  const { api, server, port } = await startHost(t, { server: { closeTimeout: 60 } })
  const connected = nextSignal(server, 'client_connected')
  const raw = await connectRawWebSocket(t, port)
  const [id] = await connected
  const answer = await api(`/peers/${id}?wait=0.01`, { method: 'DELETE' })
  t.equal(answer.status, 202)
  t.same(await answer.json(), { state: 'closing' })
  t.match(await (await api(`/peers/${id}`)).json(), { state: 'closing' })
  t.match(await (await api('/server')).json(), { peers: { open: 0, closing: 1 } })
  raw.socket.destroy()
})

t.test('keeps the first code of a closing peer', async t => {
  const { api, server, port } = await startHost(t, { server: { closeTimeout: 60 } })
  const connected = nextSignal(server, 'client_connected')
  const raw = await connectRawWebSocket(t, port)
  const [id] = await connected
  t.equal((await api(`/peers/${id}?code=4001`, { method: 'DELETE' })).status, 202)
  t.equal((await api(`/peers/${id}?code=4002`, { method: 'DELETE' })).status, 202)
  t.same(await raw.close(), { code: 4001, reason: '' })
  const end = server.getPeer(id).ended()
  raw.sendFrame(8, Buffer.from([15, 161]))
  t.match(await end, { outcome: 'clean', code: 4001 })
})

t.test('disconnects several peers by id', async t => {
  const { api, server, join } = await startHost(t)
  const [one, two, three] = [await join(), await join(), await join()]
  const gone = one.id === 2 ? 3 : 2
  const end = nextClose(one.socket)
  const answer = await api('/peers/disconnect', jsonRequest('POST', {
    ids: [one.id, one.id, two.id, gone],
    excluded: [two.id],
    code: 4003,
    reason: 'out'
  }))
  t.equal(answer.status, 200)
  t.same(await answer.json(), { requested: 1, notFound: [gone] })
  t.same(await end, { code: 4003, reason: 'out' })
  t.ok(server.getPeer(two.id).isOpen)
  t.ok(server.getPeer(three.id).isOpen)
})

t.test('disconnects several peers by a filter', async t => {
  const { api, server, join } = await startHost(t, { server: { protocols: ['chat', 'game'] } })
  const [chat, excluded, game] = [await join('chat'), await join('chat'), await join('game')]
  const end = nextClose(chat.socket)
  const answer = await api('/peers/disconnect', jsonRequest('POST', {
    filter: { protocol: 'chat', address: '127.0.0.0/8' },
    excluded: [excluded.id]
  }))
  t.same(await answer.json(), { requested: 1, notFound: [] })
  t.same(await end, { code: 1000, reason: '' })
  t.ok(server.getPeer(excluded.id).isOpen)
  t.ok(server.getPeer(game.id).isOpen)
})

t.test('disconnects all peers only with all: true', async t => {
  const { api, join } = await startHost(t)
  const clients = [await join(), await join()]
  const ends = clients.map(({ socket }) => nextClose(socket))
  t.same(await (await api('/peers/disconnect', jsonRequest('POST', { all: true, code: 1012 }))).json(), {
    requested: 2,
    notFound: []
  })
  t.same(await Promise.all(ends), [{ code: 1012, reason: '' }, { code: 1012, reason: '' }])
})

t.test('bans the addresses of several peers', async t => {
  const { api, server, join } = await startHost(t, { server: { protocols: ['chat'], closeTimeout: 60 } })
  const clients = []
  for (const host of ['192.0.2.1', '192.0.2.1', '192.0.2.2', '192.0.2.3']) {
    const connection = new MemoryConnection(host)
    const connected = nextSignal(server, 'client_connected')
    accept(server, connection, 'chat')
    clients.push({ id: (await connected)[0], connection })
  }
  const other = await join('chat')
  const gone = [2, 3, 4, 5, 6].find(id => !server.hasPeer(id))!
  const some = { ids: [clients[0].id, clients[2].id, gone], seconds: 60, reason: 'rude' }
  t.same(await (await api('/peers/ban', jsonRequest('POST', some))).json(), { peers: 2, banned: 2, notFound: [gone] })
  t.match(server.bans().map(({ address, reason }) => [address, reason]).sort(), [
    ['192.0.2.1', 'rude'], ['192.0.2.2', 'rude']
  ])
  t.same(clients.map(({ id }) => server.getPeer(id).state), ['closing', 'closing', 'closing', 'open'])
  t.equal(server.getPeer(other.id).state, 'open')

  const rest = { filter: { protocol: 'chat' }, excluded: [other.id, ...clients.slice(0, 3).map(({ id }) => id)] }
  t.same(await (await api('/peers/ban', jsonRequest('POST', rest))).json(), { peers: 1, banned: 1, notFound: [] })
  t.match(server.bans().at(-1), { address: '192.0.2.3', until: undefined })
  t.equal(server.getPeer(other.id).state, 'open')
  for (const body of [{}, { all: true, ids: [5] }, { all: true, seconds: 0 }, { all: true, code: 1000 }]) {
    t.equal((await api('/peers/ban', jsonRequest('POST', body))).status, 400, JSON.stringify(body))
  }
  for (const { connection } of clients) connection.disconnect()
})

t.test('bans of IPv6 addresses their networks of 64 bits, which limits count', async t => {
  const { api, server } = await startHost(t)
  const hosts = ['2001:db8::1', '2001:db8::2', '2001:db8:0:1::1', '192.0.2.1', '::1']
  const connections = hosts.map(host => new MemoryConnection(host))
  for (const connection of connections) accept(server, connection)
  const answer = await api('/peers/ban', jsonRequest('POST', { all: true }))
  t.match(await answer.json(), { peers: 5, banned: 4 })
  t.same(server.bans().map(({ address }) => address).sort(),
    ['192.0.2.1', '2001:db8:0:1::/64', '2001:db8::/64', '::/64'])
  for (const connection of connections) connection.disconnect()
})

t.test('a pending wait does not delay closing the app', async t => {
  const { app, api, server, port } = await startHost(t)
  const connected = nextSignal(server, 'client_connected')
  await connectRawWebSocket(t, port)
  const [id] = await connected
  const answer = api(`/peers/${id}?wait=10`, { method: 'DELETE' })
  await until(() => !server.getPeer(id).isOpen)
  await app.close()
  t.match(await (await answer).json(), { outcome: 'timeout' })
  await t.rejects(connectRaw(t, port))
})

interface Page { ids: number[], nextCursor: string | null }

async function page ({ api }: Pick<Host, 'api'>, query: string): Promise<Page> {
  const answer = await api(`/peers?${query}`)
  const { items, nextCursor } = await answer.json()
  return { ids: items.map(({ id }: { id: number }) => id), nextCursor }
}

t.test('a Godot 4 client that is kicked reads the reason that was sent before', async t => {
  const { api, server, port } = await startHost(t, { server: { gdMpApi: true, wire: 'godot4', closeTimeout: 60 } })
  for (let times = 0; times < 20; times++) {
    const { game } = await Godot4Socket.connect(t, port, '/ws')
    await until(() => game.peers.has(1))
    server.broadcast(game.id, Buffer.from('because'))
    t.equal((await api(`/peers/${game.id}?code=4001`, { method: 'DELETE' })).status, 202)
    await until(() => game.isClosed)
    t.same(game.events.filter(([what]) => what === 'api.peer_packet'), [['api.peer_packet', 1, Buffer.from('because')]])
  }
})
