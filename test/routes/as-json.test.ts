import t from 'tap'
import { asJson } from '../../routes/as-json.ts'
import { startHost } from '../helper/host.ts'

/** A player in a room that knows its players. */
function playerInRoom () {
  const room = { name: 'lobby', players: [] as unknown[] }
  const player = { name: 'Ann', coins: 12345678901234567890n, room }
  room.players.push(player)
  return player
}

const shown = { name: 'Ann', coins: '12345678901234567890', room: { name: 'lobby', players: ['[circular]'] } }

const values: Array<[what: string, value: unknown, json: unknown]> = [
  ['what JSON has', {
    user: 7,
    roles: ['admin', null, true],
    at: new Date(0)
  }, { user: 7, roles: ['admin', null, true], at: '1970-01-01T00:00:00.000Z' }],
  ['a BigInt', 10n, '10'],
  ['what contains itself', playerInRoom(), shown],
  ['the same thing twice, which is no circle', (one => ({ a: [one, one], b: one }))({ x: 1 }), {
    a: [{ x: 1 }, { x: 1 }],
    b: { x: 1 }
  }],
  ['nothing', undefined, undefined],
  ['a function', () => {}, undefined],
  ['what throws when it is read', { toJSON () { throw new Error('private') } }, '[not shown: private]'],
  ['what throws a word', { get name () { throw 'no' } }, '[not shown: no]'] // eslint-disable-line no-throw-literal
]

for (const [what, value, json] of values) t.test(`${what} is shown`, async t => { t.same(asJson(value), json) })

t.test('whatever data the application gives a peer, it joins and REST shows it', async t => {
  const { api, server, join } = await startHost(t, { server: { onHandshake: () => ({ data: playerInRoom() }) } })
  const { id } = await join()
  for (const [path, data] of [[`/peers/${id}`, shown], ['/peers', { items: [{ id, data: shown }] }]] as const) {
    const answer = await api(path)
    t.equal(answer.status, 200)
    t.match(await answer.json(), path === '/peers' ? data : { id, data })
  }
  t.type((server.getPeer(id).data as { coins: bigint }).coins, 'bigint')
  server.getPeer(id).data = () => {}
  t.notOk('data' in await (await api(`/peers/${id}`)).json())
})
