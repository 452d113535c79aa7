import t from 'tap'
import { nextTurn } from '../../helper/memory/frame-client.ts'
import { Random, scaled, seed } from '../../helper/random/random.ts'
import { RoomClient } from '../../helper/memory/room-client.ts'
import { RoomModel } from '../../helper/memory/room-model.ts'
import { openMemoryServer } from '../../helper/memory/memory-server.ts'

const names = ['main', 'alpha', 'beta', 'gamma']

t.test('rooms do what a plain model says, whatever happens: nothing crosses a room, nothing is lost', async t => {
  const random = new Random(seed)
  const server = await openMemoryServer({ gdMpApi: true, rooms: { joinPerMinute: 0 }, pingInterval: 0 })
  const heardByServer: string[] = []
  server.on('room_opened', room => room.on('peer_packet', id => {
    heardByServer.push(`${room.name} ${id}`)
    room.getPacket()
  }))
  server.room('main').on('peer_packet', id => {
    heardByServer.push(`main ${id}`)
    server.getPacket()
  })
  const model = new RoomModel()
  const pick = () => random.pick([...model.players.keys()])

  async function check (): Promise<void> {
    for (const { client, expected, room } of model.players.values()) {
      t.same(await client.heard(), expected, `${room}, seed ${seed}`)
      expected.length = 0
    }
    t.same(heardByServer.splice(0), model.toServer.splice(0), `packets for the server, seed ${seed}`)
    const rooms =
      Object.fromEntries([...server.rooms()].map(room => [room.name, [...room.peers()].map(({ id }) => id)]))
    const open = names.filter(name => name === 'main' || model.membersOf(name).length > 0)
    t.same(rooms, Object.fromEntries(open.map(name => [name, model.membersOf(name)])), `members, seed ${seed}`)
  }

  async function join (): Promise<void> {
    const room = random.pick(names)
    const before = new Set([...server.peers()].map(({ id }) => id))
    const client = new RoomClient(server, random.pick([`/ws/${room}`, `/ws?room=${room}`]))
    const { id } = [...server.peers()].find(({ id }) => !before.has(id))!
    client.id = id
    model.joined(id, { client, room, expected: [] })
  }

  async function leave (): Promise<void> {
    const id = pick()
    model.players.get(id)!.client.disconnect()
    await nextTurn()
    model.left(id)
  }

  function move (): void {
    const [id, to] = [pick(), random.pick(names)]
    if (!server.hasRoom(to)) return
    server.getPeer(id).moveTo(server.room(to))
    model.moved(id, to)
  }

  function send (): void {
    const id = pick()
    const target = random.pick([0, 1, -1, pick(), -pick(), 123456789])
    const text = `${id} to ${target} (${random.below(1000)})`
    model.players.get(id)!.client.sendTo(target, text)
    model.sent(id, target, text)
  }

  async function close (): Promise<void> {
    const name = random.pick(names)
    if (!server.hasRoom(name)) return
    const members = model.membersOf(name)
    const closed = server.room(name).close(4000, 'over')
    for (const id of members) {
      const { client } = model.players.get(id)!
      await client.heard()
      t.same(client.closed, [4000, 'over'])
    }
    await closed
    for (const id of members) model.players.delete(id)
  }

  const rounds = scaled(300)
  for (let round = 0; round < rounds; round++) {
    const isFew = model.players.size < 3
    if (isFew || (model.players.size < 20 && random.oneIn(5))) await join()
    else if (random.oneIn(8)) await leave()
    else if (random.oneIn(6)) move()
    else if (random.oneIn(60)) {
      await check()
      await close()
    } else send()
    if (random.oneIn(4)) await check()
  }
  await check()
  for (const { client } of model.players.values()) client.disconnect()
  await server.stop()
  t.equal(server.roomCount, 1, 'only main is left')
})
