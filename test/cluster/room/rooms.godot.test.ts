import t, { type Test } from 'tap'
import { WebSocketServer, type Room } from '../../../index.ts'
import type { Bus } from '../../../src/cluster/bus/bus.ts'
import { internalsOf } from '../../../src/core/server/internals.ts'
import { startGodot, type GodotClient } from '../../helper/godot/godot.ts'
import { call, enter, sees, talkerOf } from '../../helper/godot/godot3-talker.ts'
import { MemoryBroker } from '../../helper/memory/memory-bus.ts'
import { patientTimings } from '../../helper/memory/memory-cluster.ts'
import { listenInRooms, talkInRooms, type Heard, type Talker } from '../../helper/godot/room-talk.ts'
import { silentLogger } from '../../helper/silent-logger.ts'
import { skipWithout } from '../../helper/programs/skip-without.ts'
import { until } from '../../helper/until.ts'

/** Nodes with a port each; their connections are added to `buses`. */
async function openNodes (
  t: Test,
  count: number,
  { serverRelay = true, broker = new MemoryBroker(), buses = [] as Bus[], silence = patientTimings.silence } = {}
): Promise<WebSocketServer[]> {
  const nodes: WebSocketServer[] = []
  for (let index = 0; index < count; index++) {
    const node = new WebSocketServer({
      gdMpApi: true,
      serverRelay,
      rooms: true,
      bindIp: '127.0.0.1',
      closeTimeout: 0.5,
      log: silentLogger,
      cluster: { servers: 'memory', nodeId: `node-${index}` }
    }, { cluster: { timings: { ...patientTimings, silence }, connect: async () => (buses[index] = broker.connect()) } })
    await node.listen(0)
    nodes.push(node)
  }
  t.teardown(async () => { await Promise.all(nodes.map(async node => { await node.stop() })) })
  return nodes
}

function urlOf ({ port }: WebSocketServer, room: string): string {
  return `ws://127.0.0.1:${port}/ws/${room}`
}

function homeOf (nodes: readonly WebSocketServer[], name: string): Room {
  return nodes.flatMap(node => [...node.rooms()]).find(room => room.name === name && room.isHome)!
}

t.test('games on three nodes cannot tell that they are', skipWithout('godot3-server'), async t => {
  const nodes = await openNodes(t, 3)
  const atServer = new Map<string, Heard[]>()
  for (const node of nodes) listenInRooms(node, 'remote', atServer)
  const rooms = new Map<string, Talker[]>()
  const games = new Map<string, GodotClient[]>()
  for (const name of ['ice', 'sand']) {
    const ofRoom = await Promise.all(nodes.map(() => startGodot(t, 'multiplayer_client')))
    const ids: number[] = []
    for (const [at, game] of ofRoom.entries()) ids.push(await enter(game, urlOf(nodes[at], name)))
    for (const [at, game] of ofRoom.entries()) await sees(game, ...ids.filter(id => id !== ids[at]))
    t.same(ids.map(id => nodes.findIndex(node => [...node.peers()].some(peer => peer.id === id))), [0, 1, 2])
    games.set(name, ofRoom)
    rooms.set(name, ofRoom.map((game, at) => talkerOf(game, ids[at])))
  }
  const server = {
    room: (name: string) => homeOf(nodes, name),
    get monitor () {
      const drops: Record<string, number> = {}
      for (const { monitor } of nodes) {
        for (const [reason, count] of Object.entries(monitor.drops)) drops[reason] = (drops[reason] ?? 0) + count
      }
      return { drops }
    }
  }
  await talkInRooms(t, server, rooms, atServer)

  const [one, two, kicked] = games.get('ice')!
  const { id } = rooms.get('ice')![2]
  await nodes[0].cluster.disconnectPeer(id, 4001, 'kicked from another node')
  await kicked.event('server_close_request', ({ code, reason }) => code === 4001 && reason.startsWith('kicked'))
  for (const game of [one, two]) await game.event('network_peer_disconnected', event => event.id === id)
  for (const game of [...games.values()].flat()) t.same(game.errors, [])
})

for (const serverRelay of [true, false]) {
  const what = 'when the home of a room is gone, another node is its server, and clients call it'
  t.test(`${what}, serverRelay: ${serverRelay}`, skipWithout('godot3-server'), async t => {
    const nodes = await openNodes(t, 3, { serverRelay })
    const calls: string[] = []
    for (const [at, node] of nodes.entries()) {
      node.on('room_opened', (room, { failover }) => {
        if (room.name !== 'ice') return
        calls.push(`opened on ${at}${failover ? ' by failover' : ''}: ${room.peerCount}`)
        room.multiplayer.node('/root/Main', { on_remote: [String] }).method('remote', 'on_remote', (id, text) => {
          calls.push(`${text} at ${at}`)
          room.multiplayer.node('/root/Main').rpcId(id, 'on_remote', `"${text}, too"`)
        })
      })
    }
    const games = await Promise.all(nodes.map(() => startGodot(t, 'multiplayer_client')))
    for (const [at, game] of games.entries()) await enter(game, urlOf(nodes[at], 'ice'))
    const [, ...others] = games
    for (const [at, game] of others.entries()) {
      await call(game, 1, `hello ${at}`)
      await game.event('rpc', ({ source }) => source === 1)
    }
    await nodes[0].stop()
    for (const game of others) {
      await game.event('network_peer_disconnected', event => event.id === 1)
      await game.event('network_peer_connected', event => event.id === 1)
    }
    const successor = nodes.slice(1).findIndex(node => node.room('ice').isHome) + 1
    for (const [at, game] of others.entries()) {
      await call(game, 1, `again ${at}`)
      await game.event('rpc', ({ source }) => source === 1)
    }
    t.same(calls, [
      'opened on 0: 0', 'hello 0 at 0', 'hello 1 at 0',
      `opened on ${successor} by failover: 2`, `again 0 at ${successor}`, `again 1 at ${successor}`
    ])
    for (const game of others) t.same(game.errors, [])
  })
}

for (const isLost of [false, true]) {
  const what = isLost ? 'its node was declared lost' : 'a message of its node was lost'
  t.test(`a client calls the server of its room again after ${what}`, skipWithout('godot3-server'), async t => {
    const [broker, buses] = [new MemoryBroker(), [] as Bus[]]
    const [home, node] = await openNodes(t, 2, { broker, buses, silence: 300 })
    const calls: string[] = []
    home.on('room_opened', room => {
      room.multiplayer.node('/root/Main', { on_remote: [String] }).method('remote', 'on_remote', (id, text) => {
        calls.push(text)
        room.multiplayer.node('/root/Main').rpcId(id, 'on_remote', `${text} back`)
      })
    })
    const games = await Promise.all([home, node].map(() => startGodot(t, 'multiplayer_client')))
    for (const [at, game] of games.entries()) await enter(game, urlOf([home, node][at], 'ice'))
    const [, game] = games
    await game.event('network_peer_connected', ({ id }) => id === 1)
    const talk = async (text: string): Promise<void> => {
      await call(game, 1, text)
      await game.event('rpc', ({ source, args }) => source === 1 && args[0] === `"${text} back"`)
    }
    for (const text of ['first', 'second']) await talk(text)
    const { traffic } = internalsOf(node).registry.cluster!
    const sent = traffic.messages.packets
    broker.cut(buses[1])
    if (isLost) await until(() => home.cluster.nodes().length === 0)
    else {
      await call(game, 1, 'lost')
      await until(() => traffic.messages.packets > sent)
    }
    broker.restore(buses[1])
    await game.event('network_peer_disconnected', ({ id }) => id === 1)
    await game.event('network_peer_connected', ({ id }) => id === 1)
    for (const text of ['third', 'fourth']) await talk(text)
    t.same(calls, ['first', 'second', 'third', 'fourth'])
    t.same(game.errors, [])
  })
}

t.test('a client that moves to a room calls its server, whichever nodes are the homes', skipWithout('godot3-server'),
  async t => {
    const nodes = await openNodes(t, 3)
    const calls: string[] = []
    for (const node of nodes) {
      node.on('room_opened', room => {
        room.multiplayer.node('/root/Main', { on_remote: [String] }).method('remote', 'on_remote', (id, text) => {
          calls.push(`${id} in ${room.name}: ${text}`)
          room.multiplayer.node('/root/Main').rpcId(id, 'on_remote', `${text} back`)
        })
      })
    }
    const games = await Promise.all(Array.from({ length: 4 }, () => startGodot(t, 'multiplayer_client')))
    // The homes of `near`, `far` and `farthest`; a room is on a node that has members of it.
    for (const [at, room] of ['near', 'far', 'farthest'].entries()) await enter(games[at], urlOf(nodes[at], room))
    const mover = games[3]
    const id = await enter(mover, urlOf(nodes[0], 'near'))
    const others = ['far', 'farthest'].map(room => urlOf(nodes[0], room))
    for (const url of others) await enter(await startGodot(t, 'multiplayer_client'), url)
    const route = ['near', 'far', 'farthest', 'far', 'near']
    for (const [at, room] of route.entries()) {
      if (at > 0) nodes[0].getPeer(id).moveTo(nodes[0].room(room))
      // What it calls before it knows of the other server is lost.
      await mover.event('network_peer_connected', ({ id }) => id === 1)
      for (const text of [`first ${at}`, `second ${at}`]) {
        await call(mover, 1, text)
        await mover.event('rpc', ({ source, args }) => source === 1 && args[0] === `"${text} back"`)
      }
    }
    t.same(calls, route.flatMap((room, at) => ['first', 'second'].map(which => `${id} in ${room}: ${which} ${at}`)))
    t.same(mover.errors, [])
  })
