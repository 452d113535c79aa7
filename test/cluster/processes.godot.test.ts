import t from 'tap'
import { startNodes } from '../helper/cluster-process.ts'
import type { NodeProcess } from '../helper/cluster-process.ts'
import { startGodot, type GodotClient } from '../helper/godot.ts'
import { startNats } from '../helper/nats.ts'
import { skipWithout } from '../helper/skip-without.ts'

async function enter (game: GodotClient, node: NodeProcess): Promise<number> {
  await game.run('connect', { url: await node.url('ice') })
  await game.event('connected_to_server')
  return (await game.run('state')).id
}

const title = 'three processes, real NATS, real games: relay, calls, join, leave, kick'

t.test(title, skipWithout('godot3-server'), async t => {
  const nats = await startNats(t)
  const nodes = await startNodes(t, nats, 3)
  const games = await Promise.all(nodes.map(() => startGodot(t, 'multiplayer_client')))
  const ids: number[] = []
  for (const [at, game] of games.entries()) ids.push(await enter(game, nodes[at]))
  for (const [at, game] of games.entries()) {
    for (const id of ids) if (id !== ids[at]) await game.event('network_peer_connected', event => event.id === id)
  }
  const [one, two, three] = games
  const send = async (game: GodotClient, target: number, text: string): Promise<void> => {
    await game.run('send_bytes', { target, bytes: Buffer.from(text) })
  }
  const hears = async (game: GodotClient, source: number, text: string): Promise<void> => {
    await game.event('network_peer_packet', event => event.source === source && event.bytes.toString() === text)
  }
  await send(one, 0, 'to all')
  await send(one, ids[1], 'to two')
  await send(two, -ids[0], 'to all but one')
  await send(three, ids[0], 'to one')
  await Promise.all([
    hears(two, ids[0], 'to all'), hears(three, ids[0], 'to all'), hears(two, ids[0], 'to two'),
    hears(three, ids[1], 'to all but one'), hears(one, ids[2], 'to one')
  ])
  t.same(games.map(game => game.eventsOf('network_peer_packet').length), [1, 2, 2], 'nobody hears anything else')

  await two.run('rpc', { target: ids[2], method: 'on_remote', args: ['"between clients"'] })
  await three.event('rpc', ({ source, args }) => source === ids[1] && args[0] === '"between clients"')
  for (const [at, game] of games.entries()) {
    await game.run('rpc', { target: 1, method: 'on_remote', args: [`"hello ${at}"`] })
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
