import t from 'tap'
import { openAdminCluster } from '../helper/admin-cluster.ts'
import { startHost } from '../helper/host.ts'
import { joinRoom } from '../helper/memory/memory-cluster.ts'
import { until } from '../helper/until.ts'

t.test('the traffic of the last minutes is there for a reader who comes later', async t => {
  const { api, join } = await startHost(t)
  const { socket } = await join()
  await until(async () => (await (await api('/server/history')).json()).peers.length > 0)
  for (let i = 0; i < 40; i++) socket.send('hello')
  const sum = (numbers: number[]) => numbers.reduce((sum, number) => sum + number, 0)
  let history: any
  await until(async () => {
    history = await (await api('/server/history')).json()
    return sum(history.packetsIn) > 35
  }, () => JSON.stringify(history))
  const { interval, at, ...columns } = history
  t.equal(interval, 1)
  t.ok(Math.abs(Date.parse(at) - Date.now()) < 20_000)
  t.same(Object.keys(columns), ['peers', 'packetsIn', 'packetsOut', 'bytesIn', 'bytesOut'])
  t.same(new Set(Object.values<number[]>(columns).map(({ length }) => length)).size, 1, 'columns of the same length')
  t.ok(history.peers.every((count: number) => count === 1))
  // Rates are means of seconds that are not exactly as long.
  t.ok(Math.abs(sum(history.bytesIn) / 200 - 1) < 0.2, JSON.stringify(history.bytesIn))
})

t.test('a server that keeps no events keeps no history either', async t => {
  const { api } = await startHost(t, { admin: { auth: false, eventHistory: 0 } })
  t.match(await (await api('/server/history')).json(), { interval: 1, peers: [], bytesOut: [] })
})

t.test('in a cluster the history is the sum over all nodes', async t => {
  const { nodes, apis } = await openAdminCluster(t, 2)
  await joinRoom(nodes[0], 'arena')
  await joinRoom(nodes[1], 'arena')
  const latest = async (query: string) =>
    (await (await apis[0](`/server/history${query}`)).json()).peers.at(-1)
  await until(async () => await latest('') === 2)
  t.equal(await latest('?scope=local'), 1)
  t.equal((await apis[0]('/server/history?scope=all')).status, 400)
})
