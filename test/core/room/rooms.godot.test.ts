import t from 'tap'
import { startGodot, type GodotClient } from '../../helper/godot/godot.ts'
import { call, enter, sees, talkerOf } from '../../helper/godot/godot3-talker.ts'
import { openServer } from '../../helper/sockets/modes.ts'
import { listenInRooms, talkInRooms, type Talker } from '../../helper/godot/room-talk.ts'
import { skipWithout } from '../../helper/programs/skip-without.ts'
import { until } from '../../helper/until.ts'

const names = ['ice', 'sand', 'mud']
const options = { gdMpApi: true, rooms: true }

t.test('three rooms with three games each: nobody hears another room', skipWithout('godot3-server'), async t => {
  const server = await openServer(t, 'own', options)
  const atServer = listenInRooms(server, 'remote')
  const games = new Map<string, GodotClient[]>()
  const rooms = new Map<string, Talker[]>()
  for (const name of names) games.set(name, await Promise.all(names.map(() => startGodot(t, 'multiplayer_client'))))
  for (const [name, ofRoom] of games) {
    const url = `ws://127.0.0.1:${server.port}/ws/${name}`
    rooms.set(name, await Promise.all(ofRoom.map(async game => talkerOf(game, await enter(game, url)))))
  }
  for (const [name, ofRoom] of games) {
    const ids = rooms.get(name)!.map(({ id }) => id)
    for (const [at, game] of ofRoom.entries()) await sees(game, ...ids.filter((_, other) => other !== at))
  }
  await talkInRooms(t, server, rooms, atServer)
  for (const [name, ofRoom] of games) {
    const ids = rooms.get(name)!.map(({ id }) => id)
    for (const [at, game] of ofRoom.entries()) {
      const seen = game.eventsOf('network_peer_connected').map(({ id }) => id)
      t.same(seen.sort(), [1, ...ids.filter((_, other) => other !== at)].sort(), 'sees its own room only')
      t.same(game.errors, [])
    }
  }
})

t.test('a game that moves to another room', skipWithout('godot3-server'), async t => {
  const server = await openServer(t, 'own', options)
  const calls: string[] = []
  server.on('room_opened', room => {
    room.multiplayer.node('/root/Main', { on_remote: [String] }).method('remote', 'on_remote', (id, text) => {
      calls.push(`${room.name} ${id}: ${text}`)
    })
  })
  const [mover, left, met] = await Promise.all(names.map(() => startGodot(t, 'multiplayer_client')))
  const url = `ws://127.0.0.1:${server.port}/ws`
  const m = await enter(mover, `${url}/a`)
  const l = await enter(left, `${url}/a`)
  const n = await enter(met, `${url}/b`)
  await sees(mover, l)
  await sees(left, m)
  const called = async (game: GodotClient, source: number, text: string): Promise<void> => {
    await game.event('rpc', event => event.source === source && event.args[0] === `"${text}"`)
  }
  const toMover = (room: string, text: string): void => {
    server.room(room).multiplayer.node('/root/Main').rpcId(m, 'on_remote', text)
  }
  // Everybody knows the paths of the others, so that later calls use ids of paths.
  for (let i = 0; i < 2; i++) {
    await call(mover, 0, `before ${i}`)
    await called(left, m, `before ${i}`)
    await call(left, m, `before ${i}`)
    await called(mover, l, `before ${i}`)
    toMover('a', `before ${i}`)
    await called(mover, 1, `before ${i}`)
  }
  t.same(calls, ['before 0', 'before 1'].map(text => `a ${m}: ${text}`))

  server.getPeer(m).moveTo(server.room('b'))

  await t.test('sees its old room leave and its new room join, and is seen likewise', async t => {
    await mover.event('network_peer_disconnected', ({ id }) => id === l)
    await mover.event('network_peer_connected', ({ id }) => id === n)
    await left.event('network_peer_disconnected', ({ id }) => id === m)
    await met.event('network_peer_connected', ({ id }) => id === m)
    const { id, peers } = await mover.run('state')
    t.equal(id, m, 'keeps its id')
    t.same([...peers].sort(), [1, n].sort())
    t.same((await left.run('state')).peers, [1])
  })

  await t.test('calls and is called by its new room and by the server there', async t => {
    await call(mover, n, 'hello')
    await called(met, m, 'hello')
    await call(met, 0, 'welcome')
    await called(mover, n, 'welcome')
    await call(mover, 0, 'to all')
    await called(met, m, 'to all')
    toMover('b', 'after')
    await called(mover, 1, 'after')
    await call(mover, 1, 'after')
    await until(() => calls.includes(`b ${m}: after`))
    t.notOk(calls.some(text => text.startsWith('a ') && !text.includes('before')), 'its old room hears nothing')
  })

  await t.test('returns to its old room, calls there and is called', async t => {
    server.getPeer(m).moveTo(server.room('a'))
    await mover.event('network_peer_disconnected', ({ id }) => id === n)
    await mover.event('network_peer_connected', ({ id }) => id === l)
    await call(mover, l, 'back')
    await called(left, m, 'back')
    await call(left, m, 'hello again')
    await called(mover, l, 'hello again')
  })
  t.equal(mover.eventsOf('connected_to_server', 'server_disconnected').length, 1, 'it keeps its connection')
  t.same([...mover.errors, ...left.errors, ...met.errors], [])
  t.equal(Object.values(server.monitor.drops).reduce((sum, count) => sum + count), 0)
})
