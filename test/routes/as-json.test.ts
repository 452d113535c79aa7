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
  ['JSON values', {
    user: 7,
    roles: ['admin', null, true],
    at: new Date(0)
  }, { user: 7, roles: ['admin', null, true], at: '1970-01-01T00:00:00.000Z' }],
  ['a BigInt', 10n, '10'],
  ['a circular object', playerInRoom(), shown],
  ['the same object twice, which is not circular', (one => ({ a: [one, one], b: one }))({ x: 1 }), {
    a: [{ x: 1 }, { x: 1 }],
    b: { x: 1 }
  }],
  ['nothing', undefined, undefined],
  ['a function', () => {}, undefined],
  ['a getter that throws an Error', { toJSON () { throw new Error('private') } }, '[not shown: private]'],
  // oxlint-disable-next-line no-throw-literal
  ['a getter that throws a string', { get name () { throw 'no' } }, '[not shown: no]']
]

for (const [what, value, json] of values) {
  t.test(`converts ${what}`, async t => { t.same(asJson(value), json) })
}

t.test('REST shows a peer whatever data the application gave it', async t => {
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
