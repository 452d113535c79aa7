import t from 'tap'
import { startNodes } from '../../helper/programs/cluster-process.ts'
import { startGodot } from '../../helper/godot/godot.ts'
import { call, enter, hears, sees, send } from '../../helper/godot/godot3-talker.ts'
import { startNats } from '../../helper/programs/nats.ts'
import { skipWithout } from '../../helper/programs/skip-without.ts'

const title = 'three processes, real NATS, real games: relay, calls, join, leave, kick'

t.test(title, skipWithout('godot3-server'), async t => {
  const nats = await startNats(t)
  const nodes = await startNodes(t, nats, 3)
  const games = await Promise.all(nodes.map(() => startGodot(t, 'multiplayer_client')))
  const ids: number[] = []
  for (const [at, game] of games.entries()) ids.push(await enter(game, await nodes[at].url('ice')))
  for (const [at, game] of games.entries()) await sees(game, ...ids.filter(id => id !== ids[at]))
  const [one, two, three] = games
  await send(one, 0, 'to all')
  await send(one, ids[1], 'to two')
  await send(two, -ids[0], 'to all but one')
  await send(three, ids[0], 'to one')
  await Promise.all([
    hears(two, ids[0], 'to all'), hears(three, ids[0], 'to all'), hears(two, ids[0], 'to two'),
    hears(three, ids[1], 'to all but one'), hears(one, ids[2], 'to one')
  ])
  t.same(games.map(game => game.eventsOf('network_peer_packet').length), [1, 2, 2], 'nobody hears anything else')

  await call(two, ids[2], 'between clients')
  await three.event('rpc', ({ source, args }) => source === ids[1] && args[0] === '"between clients"')
  for (const [at, game] of games.entries()) {
    await call(game, 1, `hello ${at}`)
    await game.event('rpc', ({ source }) => source === 1)
  }
  t.same(nodes[0].eventsOf('called').map(({ id, text }) => [id, text]), ids.map((id, at) => [id, `hello ${at}`]),
    'the home of the room is its server')

  await nodes[0].run('disconnect', { id: ids[2], code: 4001, reason: 'kicked' })
  await three.event('server_close_request', ({ code, reason }) => code === 4001 && reason.startsWith('kicked'))
  for (const game of [one, two]) await game.event('network_peer_disconnected', event => event.id === ids[2])
  await two.quit()
  await one.event('network_peer_disconnected', event => event.id === ids[1])
  t.same(await nodes[0].run('peers', { room: 'ice' }), [ids[0]])
  for (const game of games) t.same(game.errors, [])
})
