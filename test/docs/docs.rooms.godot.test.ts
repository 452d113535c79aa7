import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { root } from '../../scripts/root.ts'
import { startGodot, type GodotClient } from '../helper/godot/godot.ts'
import { startService } from '../helper/programs/service.ts'
import { skipWithout } from '../helper/programs/skip-without.ts'
import { temporaryFolder } from '../helper/temporary-folder.ts'

/** Writes the script of docs/rooms.md that is marked with this name, for a server at this port. */
async function writeScript (t: Test, name: string, port: number): Promise<string> {
  const page = await readFile(join(root, 'docs/rooms.md'), 'utf8')
  const [, code] = new RegExp(`^<!-- test: ${name} -->\\n+\`\`\`gdscript\\n(.*?)^\`\`\``, 'ms').exec(page)!
  const folder = temporaryFolder(t)
  const file = join(folder, 'lobby.gd')
  await writeFile(file, code.replaceAll('127.0.0.1:3000', `127.0.0.1:${port}`))
  return file
}

async function startGame (t: Test, path: string): Promise<GodotClient> {
  const game = await startGodot(t, 'multiplayer_client')
  await game.run('add_script', { path, signals: { failed: ['status', 'code'] } })
  return game
}

/** Calls a function of the script; resolves with its result when it has completed. */
async function call (game: GodotClient, method: string, ...args: unknown[]): Promise<any> {
  await game.run('call_script', { method, args })
  return (await game.event('completed')).result
}

async function idOf (game: GodotClient): Promise<number> {
  return (await game.run('state')).unique_id
}

t.test('the lobby script of docs/rooms.md in real Godot 3 games', skipWithout('godot3-server'), async t => {
  const service = await startService(t, { ROOMS: 'admin', LOBBY: 'true', MAX_PEERS_PER_ROOM: '3' })
  const path = await writeScript(t, 'godot3', service.port)
  const [ann, ben, cat, dan] = await Promise.all([1, 2, 3, 4].map(() => startGame(t, path)))

  t.same(await call(ann, 'list_rooms'), [])
  const code = await call(ann, 'open_room', { maxPeers: 3, data: { map: 'ice' } })
  t.match(code, /^[A-Z2-9]{5}$/)
  await ann.event('connected_to_server')
  const a = await idOf(ann)

  await t.test('players see a room that another has opened, and enter it by a match and by its code', async t => {
    const rooms = await call(ben, 'list_rooms')
    t.match(rooms, [{ name: code, peers: 1, maxPeers: 3, data: { map: 'ice' } }])
    await call(ben, 'quick_match', { map: 'ice' })
    await ben.event('network_peer_connected', ({ id }) => id === a)
    await call(cat, 'join', ` ${code.toLowerCase()} `)
    await cat.event('network_peer_connected', ({ id }) => id === a)
    for (const game of [ben, cat]) {
      const id = await idOf(game)
      await ann.event('network_peer_connected', event => event.id === id)
    }
  })

  await t.test('a full room is refused; a match opens another one', async t => {
    t.same(await call(dan, 'list_rooms'), [])
    await call(dan, 'join', code)
    await dan.event('connection_failed')
    await call(dan, 'quick_match', { map: 'ice' })
    await dan.event('connected_to_server')
    t.same((await dan.run('state')).peers, [1])
  })

  await t.test('the script reports a refusal with its status and code', async t => {
    t.equal(await call(dan, 'open_room', { maxPeers: 4 }), '')
    t.match(await dan.event('failed'), { status: 400, code: 'bad-request' })
  })

  await t.test('the room may be in the query of the URL', async t => {
    const [{ name }] = await call(dan, 'list_rooms')
    await call(ann, 'enter', `ws://127.0.0.1:${service.port}/ws?room=${name}`)
    await dan.event('network_peer_connected', ({ id }) => id !== 1)
    const id = await idOf(dan)
    await ann.event('network_peer_connected', event => event.id === id)
  })
  for (const game of [ann, ben, cat]) t.same(game.errors, [])
  t.match(await dan.errorLines(4), [/Invalid protocol or status code/, String, /Invalid response headers/, String],
    'of the full room alone')
})
