import { once } from 'node:events'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import WebSocket from 'ws'
import { WebSocketServer } from '../../index.ts'
import { asScript, blocksOf, isGodot4, readPages, sectionsOf, tablesOf } from '../helper/documents/doc-pages.ts'
import { freePort } from '../helper/free-port.ts'
import { startGodot, type GodotClient } from '../helper/godot/godot.ts'
import { silentLogger } from '../helper/silent-logger.ts'
import { skipWithout } from '../helper/programs/skip-without.ts'
import { temporaryFolder } from '../helper/temporary-folder.ts'
import { until } from '../helper/until.ts'

const pages = readPages()
const blocks = pages.flatMap(blocksOf).filter(block => block.language === 'gdscript' && !isGodot4(block))
const godot3 = pages.find(({ path }) => path === 'docs/godot3.md')!
const readme = pages.find(({ path }) => path === 'README.md')!
const needsGodot = skipWithout('godot3-server')

/** The classes whose members docs/godot3.md lists, each below a heading of its name. */
const classes = [
  'WebSocketServer', 'WebSocketMultiplayerPeer', 'NetworkedMultiplayerPeer', 'PacketPeer', 'WebSocketPeer'
]

/** Members that later versions than 3.2.3 have. */
const later = ['handshake_timeout', 'set_extra_headers', 'get_current_outbound_buffered_amount']

/** Accessors of properties that are not named `get_` and `set_`. */
const accessors = ['is_refusing_new_connections', 'is_object_decoding_allowed']

t.test('every script for Godot 3 compiles, and the table of docs/godot3.md has every member', needsGodot, async t => {
  const game = await startGodot(t, 'multiplayer_client')
  const members: Record<string, string[]> = await game.run('members', { classes })
  const rows = classes.map(name => ({ name, expressions: expressionsOf(name) }))

  const undocumented = rows.flatMap(({ name, expressions }) => {
    const all = [...members[name], ...later]
    return members[name].filter(member => !isAccessor(member, all))
      .filter(member => !expressions.some(text => new RegExp(`\\b${member}\\b`).test(text)))
      .map(member => `${name}.${member}`)
  })
  t.same(undocumented, [])

  const known = rows.flatMap(({ expressions }) =>
    expressions.filter(text => !later.some(member => text.includes(member) && !isMember(members, member))))
  t.ok(known.length > 30, 'the tables were found')
  const scripts = Object.fromEntries([
    ['tables.gd', asFunction(known)],
    ...blocks.map(({ page, line, code }) => [`${page.replaceAll('/', '_')}_${line}.gd`, asScript(code)])
  ])
  t.ok(blocks.length > 7, 'scripts were found')
  const folder = temporaryFolder(t, scripts)
  await game.run('load_scripts', { paths: Object.keys(scripts).map(name => join(folder, name)) })
  t.same(game.errors, [])
})

t.test('the scripts of the README and of docs/godot3.md work', needsGodot, async t => {
  const port = await freePort()
  const server = new WebSocketServer({ gdMpApi: true, closeTimeout: 0.2, log: silentLogger })
  t.teardown(async () => { await server.stop() })
  await server.listen(port)

  await t.test('the script of the README connects', async t => {
    const game = await startScript(t, 'godot3', port, readme)
    await game.event('connected_to_server')
  })

  await t.test('connect: players meet and call each other', async t => {
    const ann = await startScript(t, 'connect', port)
    await ann.event('connected_to_server')
    const ben = await startScript(t, 'connect', port)
    const { id } = await ben.event('network_peer_connected', ({ id }) => id !== 1)
    await until(() => server.monitor.packetsRelayed > 1, () => ben.report())
    // Ann hears of the end of Ben after what he sent. Godot prints to a pipe when it ends.
    await ben.quit()
    await ann.event('network_peer_disconnected', event => event.id !== 1)
    await ann.quit()
    t.ok(ann.output.includes(`I am ${id}`))
    t.ok(ben.output.includes(`here is ${id}`))
    t.ok(ann.output.some(line => /^\d+: nice to meet you$/.test(line)), ann.output.join('\n'))
  })

  await t.test('reconnect: a player returns when the server does', async t => {
    const game = await startScript(t, 'reconnect', port)
    await game.event('connected_to_server')
    await server.stop()
    await server.listen(port)
    await game.event('connected_to_server')
    t.equal(server.peerCount, 1)
  })
})

t.test('onHandshake gets the token that a script of docs/godot3.md sends as a subprotocol', needsGodot, async t => {
  const port = await freePort()
  const tokens: Array<string | undefined> = []
  const server = new WebSocketServer({
    gdMpApi: true, closeTimeout: 0.2, log: silentLogger, onHandshake: ({ token }) => { tokens.push(token) }
  })
  t.teardown(async () => { await server.stop() })
  await server.listen(port)
  for (const token of ['secret-of-ann', 'a+/?~~>ü']) {
    const game = await startScript(t, 'token', port, godot3, ['secret-of-ann', token])
    await game.event('connected_to_server')
    await game.quit()
  }
  t.same(tokens, ['secret-of-ann', 'a+/?~~>ü'])
})

t.test('the server of docs/godot3.md echoes as its translation does', needsGodot, async t => {
  const port = await freePort()
  const game = await startScript(t, 'echo', port)
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, 'chat')
  t.teardown(() => { socket.terminate() })
  await once(socket, 'open')
  socket.send('hello')
  const [echo] = await once(socket, 'message')
  t.equal(echo.toString(), 'hello')
  await game.quit()
  t.ok(game.output.some(line => /^\d+ connected with chat$/.test(line)), game.output.join('\n'))
})

/** Runs a script of a page in a Godot, with another port, and another text in place of one. */
async function startScript (
  t: Test, name: string, port: number, page = godot3, [text, other] = ['', '']
): Promise<GodotClient> {
  const { code } = blocksOf(page).find(block => block.name === name && block.language === 'gdscript')!
  const folder = temporaryFolder(t, { [`${name}.gd`]: code.replaceAll(/\b(3000|9080)\b/g, String(port)).replace(text, other) })
  const path = join(folder, `${name}.gd`)
  const game = await startGodot(t, 'multiplayer_client')
  await game.run('add_script', { path, signals: {} })
  return game
}

/** What the first column of a class's table has in backticks. */
function expressionsOf (name: string): string[] {
  const [[, ...rows] = []] = tablesOf(sectionsOf(godot3).get(name) ?? '')
  return rows.map(([first]) => /`([^`]*)`/.exec(first)![1])
}

function isMember (members: Record<string, string[]>, name: string): boolean {
  return Object.values(members).flat().includes(name)
}

/** Whether a method reads or writes a property of the class. */
function isAccessor (method: string, members: string[]): boolean {
  const [, property] = /^[gs]et_(.*)$/.exec(method) ?? []
  return accessors.includes(method) || (property !== undefined && members.includes(property))
}

/** A function with typed variables: Godot knows the members of their classes. */
function asFunction (statements: readonly string[]): string {
  return [
    'extends Node', '', 'func run(server: WebSocketServer, peer: WebSocketPeer, id: int):',
    ...statements.map(statement => `\t${statement}`), ''
  ].join('\n')
}
