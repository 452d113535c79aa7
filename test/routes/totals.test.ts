import t from 'tap'
import { jsonRequest, nextClose, startHost } from '../helper/host.ts'

t.test('lists say how many items there are on all pages', async t => {
  const { api, server, join, joinRoom } = await startHost(t, { server: { protocols: ['chat', 'game'], rooms: true } })
  await Promise.all([join('chat'), join('chat'), join('game'), joinRoom('arena', 'chat'), joinRoom('other', 'chat')])
  server.ban('192.0.2.1')
  for (const [path, count] of [
    ['/peers', 5], ['/peers?limit=2', 5], ['/peers?protocol=chat', 4], ['/peers?protocol=chat&limit=1', 4],
    ['/peers?room=main', 3], ['/peers?room=main&protocol=game', 1], ['/peers?room=nowhere', 0],
    ['/peers?address=192.0.2.0/24', 0], ['/rooms', 3], ['/rooms?limit=1', 3], ['/rooms?q=are', 1],
    ['/rooms?q=nothing', 0], ['/rooms/arena/peers', 1], ['/bans', 1]
  ] as const) t.same((await (await api(path)).json()).meta, { count }, path)
  const first = await (await api('/peers?limit=2')).json()
  t.same((await (await api(`/peers?limit=2&cursor=${first.nextCursor}`)).json()).meta, { count: 5 }, 'on every page')
})

t.test('peers are found and closed by their data', async t => {
  const users = ['alice', 'bob', 'alice', undefined]
  let next = 0
  const onHandshake = async () => {
    const user = users[next++]
    return user === undefined ? {} : { data: { user, level: { number: 7 } } }
  }
  const { api, server, join } = await startHost(t, { server: { onHandshake } })
  const clients = [await join(), await join(), await join(), await join()]
  const listed = async (data: unknown) => {
    const { items, meta } = await (await api(`/peers?data=${encodeURIComponent(JSON.stringify(data))}`)).json()
    t.equal(meta.count, items.length)
    return items.map(({ id }: { id: number }) => id)
  }
  const sorted = [clients[0].id, clients[2].id].sort((a, b) => a - b)
  t.same(await listed({ user: 'alice' }), sorted)
  t.same(await listed({ level: { number: 7 }, user: 'bob' }), [clients[1].id])
  t.same(await listed({ level: {} }), [])
  for (const data of ['alice', '[1]', '"x"', 'null']) t.equal((await api(`/peers?data=${data}`)).status, 400, data)

  const closed = [clients[0], clients[2]].map(({ socket }) => nextClose(socket))
  const body = { filter: { data: { user: 'alice' } }, code: 4001, reason: 'banned account' }
  t.same(await (await api('/peers/disconnect', jsonRequest('POST', body))).json(), { requested: 2, notFound: [] })
  for (const end of closed) t.same(await end, { code: 4001, reason: 'banned account' })
  t.ok(server.hasPeer(clients[1].id))
  t.equal((await api('/peers/disconnect', jsonRequest('POST', { filter: { data: {} } }))).status, 400)
})

t.test('all peers of a room are closed by its name', async t => {
  const { api, join, joinRoom, server } = await startHost(t, { server: { rooms: true } })
  const [stays, goes] = [await join(), await joinRoom('arena')]
  const closed = nextClose(goes.socket)
  const answer = await api('/peers/disconnect', jsonRequest('POST', { filter: { room: 'arena' }, code: 4002 }))
  t.same(await answer.json(), { requested: 1, notFound: [] })
  t.equal((await closed).code, 4002)
  t.ok(server.hasPeer(stays.id))
})

t.test('the event stream ends after its duration', async t => {
  const { api, server } = await startHost(t)
  server.ban('192.0.2.1')
  const answer = await api('/events?duration=0.2&types=stats', { headers: { accept: 'text/event-stream' } })
  t.match(await (answer as unknown as Response).text(), /event: stats\n/)
  t.equal((await api('/events?duration=0')).status, 400)
})
