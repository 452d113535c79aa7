import t, { type Test } from 'tap'
import { peerKeys } from '../../../routes/peers/peer-list.ts'
import { MemoryConnection } from '../../helper/memory/memory-connection.ts'
import { frame } from '../../helper/sockets/raw-frame.ts'
import { startHost, type Host } from '../../helper/host.ts'
import { accept, sessionOf } from '../../helper/internals.ts'

const opcodeText = 1
const sortNames = Object.keys(peerKeys.keys) as Array<keyof typeof peerKeys.keys>

async function crowd (t: Test, size: number): Promise<Host & { connections: MemoryConnection[] }> {
  const host = await startHost(t, { server: { pingInterval: 0 } })
  const connections = Array.from({ length: size }, (_, i) => new MemoryConnection(`10.0.${i % 7}.${i % 5}`, 40000 + i))
  for (const [i, connection] of connections.entries()) {
    accept(host.server, connection, ['', 'chat', 'game'][i % 3])
    for (let n = 0; n < i % 4; n++) connection.deliver(frame(opcodeText, 'x'.repeat(i % 500)))
  }
  return { ...host, connections }
}

async function walk ({ api }: Pick<Host, 'api'>, query: string, meanwhile = (): void => {}): Promise<any[]> {
  const all: any[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const answer = await api(`/peers?${query}${cursor === '' ? '' : `&cursor=${cursor}`}`)
    const { items, nextCursor } = await answer.json() as any
    all.push(...items)
    cursor = nextCursor
    meanwhile()
  }
  return all
}

t.test('pages of any size give the same list in every order, ascending and descending', async t => {
  const host = await crowd(t, 40)
  for (const sort of sortNames) {
    const up = await walk(host, `sort=${sort}&limit=7`)
    t.equal(up.length, 40, sort)
    const sorted = [...up].sort((a, b) => a[sort] === b[sort] ? a.id - b.id : a[sort] < b[sort] ? -1 : 1)
    t.same(up.map(({ id }) => id), sorted.map(({ id }) => id), sort)
    const down = await walk(host, `sort=${sort}&order=desc&limit=13`)
    t.same(down.map(({ id }) => id), up.map(({ id }) => id).reverse(), sort)
  }
})

t.test('lists a staying peer exactly once in orders by fixed values while others join and leave', async t => {
  const host = await crowd(t, 60)
  for (const sort of ['connectedAt', 'address', 'protocol', 'id']) {
    const staying = [...host.server.peers()].filter((_, i) => i % 2 === 0).map(({ id }) => id)
    const leaving = [...host.server.peers()].filter((_, i) => i % 2 === 1)
    const seen = await walk(host, `sort=${sort}&order=desc&limit=4`, () => {
      const left = leaving.pop()
      if (left !== undefined) sessionOf(host.server, left.id)!.destroy('server')
      accept(host.server, new MemoryConnection('10.0.3.3', 50000), 'chat')
    })
    const ids = seen.map(({ id }) => id)
    t.equal(new Set(ids).size, ids.length, sort)
    t.same(staying.filter(id => !ids.includes(id)), [], sort)
  }
})

t.test('filters and sorts together', async t => {
  const host = await crowd(t, 30)
  const chats = await walk(host, 'sort=bytesIn&order=desc&protocol=chat&address=10.0.0.0/22&limit=2')
  t.ok(chats.length > 3)
  t.ok(chats.every(({ protocol, address }) => protocol === 'chat' && /^10\.0\.[0-3]\./.test(address)))
  t.same(chats.map(({ bytesIn }) => bytesIn), chats.map(({ bytesIn }) => bytesIn).sort((a, b) => b - a))
})

t.test('rejects a cursor of another order, and unknown orders', async t => {
  const { api } = await crowd(t, 5)
  const { nextCursor } = await (await api('/peers?sort=address&limit=2')).json() as any
  for (const [query, pointer] of [[
    `cursor=${nextCursor}`, '/query/cursor'
  ], [`sort=address&order=desc&cursor=${nextCursor}`, '/query/cursor'], ['sort=data', '/query/sort'],
  ['sort=constructor', '/query/sort'], ['order=up', '/query/order']]) {
    const answer = await api(`/peers?${query}`)
    t.equal(answer.status, 400, query)
    t.equal((await answer.json() as any).errors[0].pointer, pointer)
  }
})

t.test('the first page of 10,000 peers has the first of all peers in every order', async t => {
  const { api, server } = await crowd(t, 10_000)
  for (const sort of sortNames) {
    const { items } = await (await api(`/peers?sort=${sort}&order=desc&limit=50&address=10.0.0.0/16`)).json() as any
    const key = peerKeys.keys[sort]
    const sorted = [...server.peers()].sort((a, b) => key(a) === key(b) ? b.id - a.id : key(a) < key(b) ? 1 : -1)
    t.same(items.map(({ id }: any) => id), sorted.slice(0, 50).map(({ id }) => id), sort)
  }
})
