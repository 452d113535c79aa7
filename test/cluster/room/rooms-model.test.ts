import t from 'tap'
import { joinRoom, openMemoryCluster, settled } from '../../helper/memory/memory-cluster.ts'
import { Random, scaled, seed } from '../../helper/random/random.ts'
import { RoomModel } from '../../helper/memory/room-model.ts'

const names = ['main', 'alpha', 'beta']

/** Lines by the peer that they are about: in order for each, as across nodes there is an order per sender only. */
function bySubject (lines: readonly string[]): Record<string, string[]> {
  const groups: Record<string, string[]> = {}
  for (const line of lines) (groups[/\d+/.exec(line)![0]] ??= []).push(line)
  return groups
}

t.test('rooms over three nodes do what a plain model says, whatever happens', async t => {
  const random = new Random(seed)
  const { nodes } = await openMemoryCluster(t, 3)
  const heardByServer: string[] = []
  for (const node of nodes) {
    node.on('room_opened', room => room.on('peer_packet', id => {
      heardByServer.push(`${room.name} ${id}`)
      room.getPacket()
    }))
    node.room('main').on('peer_packet', id => {
      heardByServer.push(`main ${id}`)
      node.getPacket()
    })
  }
  const model = new RoomModel()
  const pick = () => random.pick([...model.players.keys()])
  const nodeOf = (id: number) => nodes.find(node => [...node.peers()].some(peer => peer.id === id))!

  async function check (): Promise<void> {
    await settled()
    for (const { client, expected, room } of model.players.values()) {
      t.same(bySubject(await client.heard()), bySubject(expected), `${room}, seed ${seed}`)
      expected.length = 0
    }
    t.same(heardByServer.splice(0).sort(), model.toServer.splice(0).sort(), `packets for the server, seed ${seed}`)
    for (const name of names) {
      const members = model.membersOf(name)
      const homes = nodes.filter(node => [...node.rooms()].some(room => room.name === name && room.isHome))
      t.equal(homes.length, name === 'main' || members.length > 0 ? 1 : 0, `one home of ${name}, seed ${seed}`)
      for (const node of nodes) {
        const room = [...node.rooms()].find(room => room.name === name)
        if (room !== undefined) t.same([...room.peers()].map(({ id }) => id), members, `members, seed ${seed}`)
      }
    }
  }

  async function join (): Promise<void> {
    const room = random.pick(names)
    const client = await joinRoom(random.pick(nodes), room)
    const player = { client, room, expected: [] as string[] }
    model.joined(client.id, player)
    // The helper has read what a client hears of itself and of the server.
    player.expected = player.expected.filter(line => line !== `id ${client.id}` && line !== 'add 1')
  }

  async function leave (): Promise<void> {
    await settled()
    const id = pick()
    model.players.get(id)!.client.disconnect()
    model.left(id)
    await settled()
  }

  async function move (): Promise<void> {
    await settled()
    const [id, to] = [pick(), random.pick(names)]
    const node = nodeOf(id)
    const room = [...node.rooms()].find(room => room.name === to)
    if (room === undefined) return
    const player = model.players.get(id)!
    const keepsServer = player.room === to || (node.room(player.room).isHome && room.isHome)
    node.getPeer(id).moveTo(room)
    model.moved(id, to)
    if (!keepsServer) player.expected.push('del 1', 'add 1')
    await settled()
  }

  function send (): void {
    const id = pick()
    const target = random.pick([0, 1, -1, pick(), -pick(), 123456789])
    const text = `${id} to ${target} (${random.below(1000)})`
    model.players.get(id)!.client.sendTo(target, text)
    model.sent(id, target, text)
  }

  const rounds = scaled(400)
  for (let round = 0; round < rounds; round++) {
    const isFew = model.players.size < 3
    if (isFew || (model.players.size < 15 && random.oneIn(6))) {
      await settled()
      await join()
    } else if (random.oneIn(12)) await leave()
    else if (random.oneIn(10)) await move()
    else send()
    if (random.oneIn(20)) await check()
  }
  await check()
  for (const { client } of model.players.values()) client.disconnect()
  await settled()
  t.same(nodes.map(node => node.roomCount), [1, 1, 1], 'only main is left')
  t.same(nodes.map(node => [...node.cluster.peers()].length), [0, 0, 0])
})
