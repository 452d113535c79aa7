import t from 'tap'
import { Godot4Socket } from '../helper/godot/godot4-socket.ts'
import { startGodot } from '../helper/godot/godot.ts'
import { startService, type Service } from '../helper/programs/service.ts'
import { skipWithout } from '../helper/programs/skip-without.ts'

interface Match { name: string, url: string, created: boolean }

const json = { 'content-type': 'application/json' }

async function ask (service: Service, path: string, headers: Record<string, string> = {}): Promise<Response> {
  return await fetch(`http://127.0.0.1:${service.port}${path}`, { headers })
}

async function match (service: Service, data: object, lobby = '/lobby'): Promise<Match> {
  const init = { method: 'POST', headers: json, body: JSON.stringify({ data }) }
  return await (await fetch(`http://127.0.0.1:${service.port}${lobby}/match`, init)).json() as Match
}

t.test('two Godot games match into the same room, a third one into another', skipWithout('godot3-server'), async t => {
  const service = await startService(t, { ROOMS: 'true', LOBBY: 'true', ADMIN_TOKEN: 'x'.repeat(32) })
  const games = await Promise.all([1, 2, 3].map(() => startGodot(t, 'multiplayer_client')))
  const found: Match[] = []
  const ids: number[] = []
  for (const [at, game] of games.entries()) {
    found.push(await match(service, { map: at < 2 ? 'ice' : 'sand' }))
    await game.run('connect', { url: found[at].url })
    await game.event('connected_to_server')
    ids.push((await game.run('state')).id)
  }
  t.same(found.map(({ created }) => created), [true, false, true])
  t.equal(found[0].name, found[1].name)
  await games[0].event('network_peer_connected', ({ id }) => id === ids[1])
  await games[1].event('network_peer_connected', ({ id }) => id === ids[0])
  t.same((await games[2].run('state')).peers, [1], 'sees only the server')
  const { items } = await (await ask(service, '/lobby/rooms')).json() as { items: unknown[] }
  t.match(items, [{ name: found[2].name, peers: 1 }, { name: found[0].name, peers: 2, data: { map: 'ice' } }])
  await service.logged(`Lobby at http://127.0.0.1:${service.port}/lobby`)
})

t.test('the Godot 4 endpoint has a lobby of its own; PUBLIC_URL and ALLOWED_ORIGINS apply to both', async t => {
  const service = await startService(t, {
    ROOMS: 'admin',
    LOBBY: 'true',
    WS4_PATH: '/ws4',
    PUBLIC_URL: 'wss://game.example/eu',
    ALLOWED_ORIGINS: 'https://*.game.example'
  })
  await service.logged(`Lobby of godot4 at http://127.0.0.1:${service.port}/lobby/godot4`)
  const three = await match(service, {})
  const four = await match(service, {}, '/lobby/godot4')
  t.equal(three.url, `wss://game.example/eu/ws/${three.name}`)
  t.equal(four.url, `wss://game.example/eu/ws4/${four.name}`)
  const player = await Godot4Socket.connect(t, service.port, `/ws4/${four.name}`)
  await player.event('api.peer_connected', 1)
  for (const lobby of ['/lobby', '/lobby/godot4']) {
    const { headers } = await ask(service, `${lobby}/rooms`, { origin: 'https://eu.game.example' })
    t.equal(headers.get('access-control-allow-origin'), 'https://eu.game.example')
  }
})

t.test('PUBLIC_URL of a listener of the server\'s own does not lead to Godot 4', async t => {
  const service = await startService(t, {
    ROOMS: 'true', LOBBY: 'true', WS_PORT: '0', WS4_PATH: '/ws4', PUBLIC_URL: 'wss://game.example:9080'
  })
  const three = await match(service, {})
  const four = await match(service, {}, '/lobby/godot4')
  t.equal(three.url, `wss://game.example:9080/ws/${three.name}`)
  t.equal(four.url, `ws://127.0.0.1:${service.port}/ws4/${four.name}`)
})

t.test('URLs of rooms have the prefix of a trusted proxy', async t => {
  const service = await startService(t, { ROOMS: 'true', LOBBY: 'true', TRUST_PROXY: 'true' })
  const answer = await fetch(`http://127.0.0.1:${service.port}/lobby/match`, {
    method: 'POST',
    headers: {
      'x-forwarded-for': '192.0.2.7',
      'x-forwarded-host': 'game.example',
      'x-forwarded-proto': 'https',
      'x-forwarded-prefix': '/eu'
    }
  })
  const { name, url } = await answer.json() as Match
  t.equal(url, `wss://game.example/eu/ws/${name}`)
})
