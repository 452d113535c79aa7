import t, { type Test } from 'tap'
import type { WebSocketServer } from '../../../../index.ts'
import { Godot4Socket } from '../../../helper/godot/godot4-socket.ts'
import { openServer } from '../../../helper/sockets/modes.ts'
import { until } from '../../../helper/until.ts'
import { listenInRooms, talkInRooms, type Heard, type Talker } from '../../../helper/godot/room-talk.ts'

const names = ['ice', 'sand', 'mud']
const options = { gdMpApi: true, wire: 'godot4', rooms: true } as const
const script = { on_remote: { args: 1, mode: 'any_peer' } } as const

async function enter (t: Test, { port }: WebSocketServer, room: string): Promise<Godot4Socket> {
  const player = await Godot4Socket.connect(t, port, `/ws/${room}`, [], game => { game.addNode('Main', script) })
  await player.event('api.peer_connected', 1)
  return player
}

function heardBy ({ game }: Godot4Socket): Heard[] {
  return game.events.flatMap(([what, source, third, values]) => {
    if (what === 'on_remote') return [{ source: source as number, text: `call: ${(values as string[])[0]}` }]
    return what === 'api.peer_packet' ? [{ source: source as number, text: String(third) }] : []
  })
}

function talkerOf (player: Godot4Socket): Talker {
  const { game } = player
  return {
    id: game.id,
    send: async (target, text) => { game.sendBytes(Buffer.from(text), target) },
    call: async (target, text) => { game.rpc('Main', 'on_remote', [text], target) },
    hear: async (source, text) => {
      await until(() => heardBy(player).some(one => one.source === source && one.text === text))
    },
    heard: () => heardBy(player)
  }
}

t.test('three rooms with three Godot 4 games each: nobody hears another room', async t => {
  const server = await openServer(t, 'own', options)
  const atServer = listenInRooms(server, 'any_peer')
  const players = new Map<string, Godot4Socket[]>()
  for (const name of names) {
    players.set(name, await Promise.all(names.map(async () => await enter(t, server, name))))
  }
  await until(() => [...players.values()].flat().every(({ game }) => game.peers.size === names.length))
  const rooms = new Map([...players].map(([name, ofRoom]) => [name, ofRoom.map(talkerOf)]))
  await talkInRooms(t, server, rooms, atServer)
  for (const ofRoom of players.values()) {
    const ids = ofRoom.map(({ game }) => game.id)
    for (const { game } of ofRoom) {
      t.same([...game.peers].sort(), [1, ...ids.filter(id => id !== game.id)].sort(), 'sees its own room only')
      t.same(game.refusals, [])
    }
  }
})

t.test('a Godot 4 game that moves to another room', async t => {
  const server = await openServer(t, 'own', options)
  const calls: string[] = []
  server.on('room_opened', room => {
    room.multiplayer.node('/root/Main', ['on_remote', 'told']).method('any_peer', 'on_remote', (id, text) => {
      calls.push(`${room.name} ${id}: ${text}`)
    })
  })
  const [mover, left, met] = [await enter(t, server, 'a'), await enter(t, server, 'a'), await enter(t, server, 'b')]
  for (const { game } of [mover, left, met]) game.addNode('Main', { ...script, told: { args: 1 } })
  const [m, l, n] = [mover, left, met].map(talkerOf)
  await until(() => mover.game.peers.has(l.id) && left.game.peers.has(m.id))
  const hears = async (player: Godot4Socket, source: number, text: string): Promise<void> => {
    await talkerOf(player).hear(source, `call: ${text}`)
  }
  const tell = async (room: string, text: string): Promise<void> => {
    server.room(room).multiplayer.node('/root/Main').rpcId(m.id, 'told', text)
    const isTold = ([what, , , values]: unknown[]): boolean => what === 'told' && (values as string[])[0] === text
    await until(() => mover.game.events.some(isTold))
  }
  await m.call(0, 'before')
  await hears(left, m.id, 'before')
  await l.call(m.id, 'before')
  await hears(mover, l.id, 'before')
  await tell('a', 'before')

  server.getPeer(m.id).moveTo(server.room('b'))
  await mover.event('api.peer_disconnected', l.id)
  await left.event('api.peer_disconnected', m.id)
  await mover.event('api.peer_connected', n.id)
  await met.event('api.peer_connected', m.id)
  t.equal(mover.game.id, m.id)
  t.same([...mover.game.peers].sort(), [1, n.id].sort())
  await m.call(0, 'hello')
  await hears(met, m.id, 'hello')
  await n.call(m.id, 'welcome')
  await hears(mover, n.id, 'welcome')
  await tell('b', 'after')
  await until(() => calls.includes(`b ${m.id}: hello`))
  t.same(calls.filter(text => text.startsWith('a ')), [`a ${m.id}: before`], 'its old room hears nothing')

  // Through a room whose server calls nobody, and back: a client refuses a path id that it knows.
  for (const room of [server.openRoom('c'), server.room('a'), server.room('b')]) {
    server.getPeer(m.id).moveTo(room)
    if (room.name !== 'c') await tell(room.name, `back in ${room.name}`)
  }
  await m.call(n.id, 'here again')
  await hears(met, m.id, 'here again')
  for (const { game } of [mover, left, met]) t.same(game.refusals, [])
})
