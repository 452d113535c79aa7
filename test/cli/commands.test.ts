import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { PassThrough, Readable } from 'node:stream'
import { promisify } from 'node:util'
import t from 'tap'
import { WebSocket } from 'ws'
import { root } from '../../scripts/root.ts'
import { run } from '../../src/cli/index.ts'
import { decodeVariant } from '../../src/protocol/variant/variant.ts'
import { openAdminCluster } from '../helper/admin-cluster.ts'
import { startApp } from '../helper/app.ts'
import { command } from '../helper/programs/command.ts'
import { startHost } from '../helper/host.ts'
import { nextSignal } from '../helper/next-signal.ts'
import { until } from '../helper/until.ts'

const token = 'a token of more than thirty-two characters'

t.test('peers prints a table, or JSON, filtered and sorted by the service', async t => {
  const { url, port } = await startApp(t, { admin: { token } })
  const env = { PEER_SERVER_URL: url, ADMIN_TOKEN: token }
  const heading = /^ID +ADDRESS +PROTOCOL +STATE +AGE +IN +OUT +BUFFER\n$/
  t.match(await command(['peers'], env), { code: 0, output: heading, errors: '' })
  for (let i = 0; i < 3; i++) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`)
    t.teardown(() => { socket.terminate() })
    await once(socket, 'open')
  }
  const filtered = ['peers', '--sort', 'connectedAt', '--order', 'desc', '--address', '127.0.0.0/8']
  const { output } = await command(filtered, env)
  t.equal(output.trim().split('\n').length, 4)
  t.match(output, /^\d+ +127\.0\.0\.1:\d+ +open +0s +0 B +0 B +0 B$/m)
  t.match((await command(['peers', '--address', '192.0.2.0/24'], env)).output, heading)
  const all = JSON.parse((await command(['peers', '--json'], env)).output)
  t.equal(all.length, 3)
  t.same(JSON.parse((await command(['peers', '--json', '--limit', '2'], env)).output), all.slice(0, 2))
  t.match(await command(['peers', '--sort', 'beauty'], env), { code: 1, errors: /^sort must be / })
  t.match(await command(['peers', '--limit', '0'], env),
    { code: 2, errors: /^invalid --limit 0: expected an integer from 1\n/ })
  t.match(await command(['peers', 'all'], env), { code: 2, errors: /'all'/ })
})

t.test('peers tells rooms apart, and lists those of one', async t => {
  const { joinRoom, port } = await startHost(t, { server: { rooms: true } })
  const env = { PEER_SERVER_URL: `http://127.0.0.1:${port}` }
  const { id } = await joinRoom('arena-7')
  await joinRoom('arena-8')
  const { output } = await command(['peers'], env)
  t.match(output, /^ID +ADDRESS +ROOM +PROTOCOL +STATE/)
  t.match(output, /^\d+ +127\.0\.0\.1:\d+ +arena-8 +open /m)
  t.match((await command(['peers', '--room', 'arena-7'], env)).output, new RegExp(`^.*\n${id} +127.*\n$`))
  t.match(await command(['peers', '--room', 'a b'], env), { code: 1, errors: /^room must be 1 to 64 letters/ })
})

t.test('rooms prints a table, or JSON, filtered and sorted by the service', async t => {
  const { joinRoom, server, port } = await startHost(t, { server: { rooms: true } })
  const env = { PEER_SERVER_URL: `http://127.0.0.1:${port}` }
  server.openRoom('arena-8', { maxPeers: 8, listed: false, locked: true })
  await joinRoom('arena-7')
  const { output } = await command(['rooms', '--sort', 'peers', '--order', 'desc'], env)
  t.match(output.split('\n'), [/^NAME +PEERS +MAX +LISTED +LOCKED +AGE$/, /^arena-7 +1 +– +yes +no +0s$/,
    /^main +0 +– +no +no +\ds$/, /^arena-8 +0 +8 +no +yes +0s$/, ''])
  const all = JSON.parse((await command(['rooms', '--json'], env)).output)
  t.match(all, [{ name: 'arena-7', peers: 1 }, { name: 'arena-8', maxPeers: 8 }, { name: 'main' }])
  t.same(JSON.parse((await command(['rooms', '--json', '--name=-8'], env)).output), [all[1]])
  t.same(JSON.parse((await command(['rooms', '--json', '--limit', '2'], env)).output), all.slice(0, 2))
  t.match(await command(['rooms', '--sort', 'beauty'], env), { code: 1, errors: /^sort must be / })
  t.match(await command(['rooms', 'arena-7'], env), { code: 2, errors: /'arena-7'/ })
})

t.test('rooms open and rooms change set what a room may set for itself', async t => {
  const { server, port } = await startHost(t, { server: { rooms: true } })
  const env = { PEER_SERVER_URL: `http://127.0.0.1:${port}` }
  const settings = ['--max-peers=8', '--locked=yes', '--listed=no', '--empty-timeout=2.5', '--data', '{"a":1}']
  t.match(await command(['rooms', 'open', 'arena-7', ...settings], env), { code: 0, output: 'opened room arena-7\n' })
  const room = server.room('arena-7')
  t.match(room, { maxPeers: 8, locked: true, listed: false, emptyTimeout: 2.5, data: { a: 1 } })
  t.match(await command(['rooms', 'change', 'arena-7', '--locked', 'no'], env),
    { code: 0, output: 'changed room arena-7\n' })
  t.match(room, { maxPeers: 8, locked: false, listed: false })
  t.match(await command(['rooms', 'open'], env), { code: 0, output: /^opened room [A-Z0-9]{5}\n$/ })
  t.match(await command(['rooms', 'open', 'arena-7'], env), { code: 1, errors: /arena-7/ })
  t.match(await command(['rooms', 'change', 'none', '--locked', 'no'], env),
    { code: 1, errors: 'room "none" does not exist\n' })
  t.match(await command(['rooms', 'change', 'arena-7', '--data=7'], env), { code: 1, errors: 'data must be object\n' })
  for (const [args, errors] of [
    [['open', 'a', 'b'], /^expected the name of one room, or none\n/],
    [['change'], /^expected the name of one room\n/],
    [['change', 'a'], /^expected at least one setting\n/],
    [['change', 'a', '--locked', 'maybe'], /^invalid --locked maybe: expected one of yes, no\n/],
    [['change', 'a', '--data', '{'], /^invalid --data: /],
    [['open', '--max-peers', 'x'], /^invalid --max-peers x: expected an integer from 0\n/],
    [['open', '--empty-timeout', '1m'], /^invalid --empty-timeout 1m: expected a number from 0\n/]
  ] as const) t.match(await command(['rooms', ...args], env), { code: 2, output: '', errors }, args.join(' '))
})

t.test('rooms close closes a room, with code and reason', async t => {
  const { joinRoom, server, port } = await startHost(t, { server: { rooms: true } })
  const env = { PEER_SERVER_URL: `http://127.0.0.1:${port}` }
  const { socket } = await joinRoom('arena-7')
  const closed = once(socket, 'close')
  const gone = nextSignal(server, 'room_closed')
  t.match(await command(['rooms', 'close', 'arena-7', '--code', '4001', '--reason', 'over'], env),
    { code: 0, output: 'closing room arena-7 with 1 peer\n' })
  t.same((await closed).map(String), ['4001', 'over'])
  await gone
  t.match(await command(['rooms', 'close', 'arena-7'], env), { code: 1, errors: 'room "arena-7" does not exist\n' })
  t.match(await command(['rooms', 'close', '..'], env), { code: 1, errors: 'room must not be ..\n' })
  for (const names of [[], ['a', 'b']]) {
    t.match(await command(['rooms', 'close', ...names], env), { code: 2, errors: /^expected the name of one room\n/ })
  }
  t.match(await command(['rooms', 'close', 'main', '--code', '1005'], env), { code: 1, errors: /^code must be / })
})

t.test('kick disconnects some peers or all, with code and reason', async t => {
  const { join, port } = await startHost(t)
  const env = { PEER_SERVER_URL: `http://127.0.0.1:${port}` }
  const [a, b, c] = [await join(), await join(), await join()]
  const closed = new Promise(resolve => {
    a.socket.once('close', (code, reason) => { resolve([code, reason.toString()]) })
  })
  t.match(await command(['kick', String(a.id), '--code', '4001', '--reason', 'rude'], env),
    { code: 0, output: 'disconnecting 1 peer\n' })
  t.same(await closed, [4001, 'rude'])
  t.match(await command(['kick', String(a.id), String(b.id)], env),
    { code: 1, output: 'disconnecting 1 peer\n', errors: `no such peer: ${a.id}\n` })
  t.match(await command(['kick', '--all'], env), { code: 0 })
  await new Promise(resolve => c.socket.once('close', resolve))
  t.match(await command(['kick'], env), { code: 2, errors: /ids of peers or --all/ })
  t.match(await command(['kick', '--all', '7'], env), { code: 2 })
  for (const id of ['x7', '0', '1', '2147483648']) {
    const errors = `invalid id ${id}: expected an integer from 2 to 2147483647\n`
    t.match(await command(['kick', id], env), { code: 2, errors }, id)
  }
  t.match(await command(['kick', '7', '--code', '1005'], env), { code: 1, errors: /^code must be 1000-1014 \(except / })
})

t.test('send sends text, hex, a Variant or standard input to all peers, one, or all but one', async t => {
  const { join, port } = await startHost(t)
  const env = { PEER_SERVER_URL: `http://127.0.0.1:${port}` }
  const [a, b] = [await join(), await join()]
  const received: Array<[string, Buffer, boolean]> = []
  for (const [name, { socket }] of Object.entries({ a, b })) {
    socket.on('message', (data: Buffer, isBinary) => { received.push([name, data, isBinary]) })
  }
  const take = async (count: number): Promise<typeof received> => {
    await until(() => received.length >= count)
    return received.splice(0)
  }
  t.match(await command(['send', '--text', 'hello'], env), { code: 0, output: 'sent to 2 peers\n' })
  t.same((await take(2)).map(([name, data, isBinary]) => [name, data.toString(), isBinary]).sort(),
    [['a', 'hello', false], ['b', 'hello', false]])
  t.match(await command(['send', '--hex', 'c0 ff EE', '--to', String(b.id)], env),
    { code: 0, output: 'sent 3 bytes\n' })
  t.same(await take(1), [['b', Buffer.from('c0ffee', 'hex'), true]])
  t.match(await command(['send', '--variant', '{"score":{"int":7}}', '--but', String(b.id)], env),
    { code: 0, output: 'sent to 1 peer\n' })
  const [[name, data]] = await take(1)
  t.same([name, decodeVariant(data)], ['a', new Map([['score', 7]])])
  t.match(await command(['send', '--to', String(a.id)], env, 'from stdin'), { code: 0 })
  t.same(await take(1), [['a', Buffer.from('from stdin'), true]])
  t.match(await command(['send', '--text', 'x', '--to', '7'], env), { code: 1, errors: 'peer 7 does not exist\n' })
})

t.test('send sends to the peers of a room', async t => {
  const { joinRoom, port } = await startHost(t, { server: { rooms: true } })
  const env = { PEER_SERVER_URL: `http://127.0.0.1:${port}` }
  const [one, two, other] = [await joinRoom('a'), await joinRoom('a'), await joinRoom('b')]
  const received: string[] = []
  for (const [name, { socket }] of Object.entries({ one, two, other })) {
    socket.on('message', data => { received.push(`${name} ${String(data)}`) })
  }
  const send = async (...args: string[]) => await command(['send', '--room', 'a', ...args], env)
  t.match(await send('--text', 'all'), { code: 0, output: 'sent to 2 peers\n' })
  t.match(await send('--text', 'x', '--to', String(two.id)), { code: 0, output: 'sent to 1 peer\n' })
  t.match(await send('--text', 'y', '--but', String(two.id)), { code: 0, output: 'sent to 1 peer\n' })
  t.match(await send('--text', 'z', '--to', String(other.id)), { code: 1, errors: `peer ${other.id} does not exist\n` })
  await until(() => received.length >= 4)
  t.same(received.sort(), ['one all', 'one y', 'two all', 'two x'])
})

t.test('send rejects invalid options', async t => {
  const { port } = await startHost(t)
  const env = { PEER_SERVER_URL: `http://127.0.0.1:${port}` }
  for (const option of ['--to=0', '--but=0', '--but=1', '--but=-7', '--to=all']) {
    const errors = `invalid id ${option.split('=')[1]}: `
    t.match(await command(['send', '--text', 'x', option], env), { code: 2, output: '', errors }, option)
  }
  for (const [args, errors] of [
    [['--to', '7', '--but', '8', '--text', 'x'], /^expected either --to or --but\n/],
    [['--text', 'x', '--hex', '00'], /^expected only one of --text, --hex and --variant\n/],
    [['--hex', '0'], /^invalid --hex: /],
    [['--variant', '{'], /^invalid --variant: /]
  ] as const) t.match(await command(['send', ...args], env), { code: 2, output: '', errors }, args.join(' '))
})

t.test('status shows state, mode, peers and limits that were hit', async t => {
  const { join, port, server } = await startHost(t, { server: { gdMpApi: true, rooms: true } })
  const env = { PEER_SERVER_URL: `http://127.0.0.1:${port}` }
  await join()
  server.refuseNewConnections = true
  const { code, output } = await command(['status'], env)
  t.equal(code, 0)
  for (const line of [
    /^State +listening for \d+s$/m, /^Mode +multiplayer relay, Godot 3$/m, /^New clients +refused$/m,
    /^Peers +1 open$/m, /^Rooms +1$/m, /^Limits hit +none$/m, new RegExp(`^Endpoint +/ws of the service, port ${port}$`, 'm')
  ]) t.match(output, line)
  t.match(JSON.parse((await command(['status', '--json'], env)).output), { listening: true, settings: { maxPeers: 0 } })
  await server.stop()
  const stopped = (await command(['status'], env)).output
  for (const line of [/^State +not listening$/m, /^Endpoint +none$/m, /^New clients +refused$/m]) t.match(stopped, line)
  await server.listen(0)
  t.match((await command(['status'], env)).output, new RegExp(`^Endpoint +ws://\\*:${server.port}/ws$`, 'm'))
})

t.test('status and nodes show the state of a node', async t => {
  const { nodes, urls } = await openAdminCluster(t, 2)
  const env = { PEER_SERVER_URL: urls[1] }
  const status = async (): Promise<string> => (await command(['status'], env)).output
  t.match(await status(), /^Node +node-1, ready$[^]*^New clients +accepted$/m)
  t.match(await command(['nodes', 'drain', 'node-1'], env), { code: 0, output: 'draining node-1: 0 peers closing\n' })
  t.match(await status(), /^Node +node-1, draining$[^]*^New clients +refused$/m)
  t.match((await command(['nodes'], env)).output, /^node-1 +\d+ +draining /m)
  await nodes[1].stop()
  t.match((await command(['listen'], env)).output, /^Node +node-1, ready$[^]*^New clients +accepted$/m)
})

t.test('nodes reports that the server is not in a cluster', async t => {
  const { port } = await startHost(t)
  const env = { PEER_SERVER_URL: `http://127.0.0.1:${port}` }
  t.match(await command(['nodes'], env), { code: 0, output: 'no nodes: the server is not in a cluster\n' })
  t.match(await command(['nodes', '--json'], env), { code: 0, output: '[]\n' })
  t.notMatch((await command(['status'], env)).output, /^Node/m)
})

t.test('ban, bans and unban keep addresses out, temporarily or permanently', async t => {
  const { port, server } = await startHost(t)
  const env = { PEER_SERVER_URL: `http://127.0.0.1:${port}` }
  t.match(await command(['ban', '192.0.2.0/24', '--reason', 'rude'], env),
    { code: 0, output: 'banned 192.0.2.0/24 permanently\n' })
  t.match(await command(['ban', '203.0.113.7', '--for', '1.5h'], env), { code: 0, output: /^banned 203.0.113.7 until 2/ })
  const [forGood, forAWhile] = server.bans()
  t.equal(forGood.until, undefined)
  t.equal(forAWhile.until! - forAWhile.since, 5400_000)
  const { output } = await command(['bans'], env)
  t.match(output, /^ADDRESS +AGE +UNTIL +REASON\n192.0.2.0\/24 +0s +permanent +rude\n203.0.113.7 +0s +\d{4}-/)
  t.equal(JSON.parse((await command(['bans', '--json'], env)).output).length, 2)
  t.match(await command(['unban', '192.0.2.0/24'], env), { code: 0, output: 'lifted the ban on 192.0.2.0/24\n' })
  t.match(await command(['unban', '192.0.2.0/24'], env), { code: 1, errors: 'address 192.0.2.0/24 is not banned\n' })
  t.match(await command(['ban', '203.0.113.8', '--for', '5'], env),
    { code: 2, errors: /^invalid --for 5: expected a number and one of s, m, h, d, e.g. 15m\n/ })
  t.match(await command(['ban', 'nobody'], env), { code: 1, errors: /^address must be an IP address or a CIDR range/ })
  t.match(await command(['ban'], env), { code: 2, errors: /^expected one IP address or CIDR range\n/ })
})

t.test('refuse, stop and listen change the server; errors name the allowed values', async t => {
  const { join, port, server } = await startHost(t)
  const env = { PEER_SERVER_URL: `http://127.0.0.1:${port}` }
  t.match(await command(['refuse', 'on'], env), { code: 0, output: 'refusing new connections\n' })
  t.ok(server.refuseNewConnections)
  t.match(await command(['refuse', 'off'], env), { code: 0, output: 'accepting new connections\n' })
  t.notOk(server.refuseNewConnections)
  for (const words of [[], ['maybe'], ['on', 'off']]) {
    t.match(await command(['refuse', ...words], env), { code: 2, errors: /^expected one of on, off\n/ })
  }
  const { socket } = await join()
  const closed = once(socket, 'close')
  t.match(await command(['stop', '--code', '4001', '--reason', 'late'], env), { code: 0, output: 'stopped\n' })
  t.same((await closed).map(String), ['4001', 'late'])
  t.match(await command(['listen', '--protocols', 'chat, game'], env), { code: 0, output: /^State +listening/ })
  t.same(server.options.protocols, ['chat', 'game'])
  t.match(await command(['listen'], env), { code: 1, errors: 'already listening\n' })
  await command(['stop'], env)
  t.match(await command(['listen', '--protocols', 'chat game'], env), { code: 1, errors: /protocols\/0 must be a name/ })
  t.match(await command(['listen', '--protocols', ''], env), { code: 0 })
  t.same(server.options.protocols, [])
  t.match(await command(['listen', '--port', '70000'], env), { code: 2, errors: /expected an integer from 0 to 65535/ })
  t.match(await command(['peers', '--sort', 'beauty'], env), { code: 1, errors: /^sort must be one of id, connectedAt, / })
  t.match(await command(['peers', '--order', 'up'], env), { code: 1, errors: 'order must be one of asc, desc\n' })
  t.match(await command(['completion', 'csh'], env), { code: 2, errors: /^expected one of bash, zsh, fish\n/ })
})

t.test('send reaches network_peer_packet of Godot 3 clients, or sends the bytes as they are with --raw', async t => {
  const { join, port } = await startHost(t, { server: { gdMpApi: true } })
  const env = { PEER_SERVER_URL: `http://127.0.0.1:${port}` }
  const { id, socket } = await join()
  const send = async (...args: string[]): Promise<string> => {
    const message = once(socket, 'message')
    t.match(await command(['send', ...args], env), { code: 0 })
    return (await message)[0].subarray(9).toString('hex')
  }
  t.equal(await send('--text', 'hi'), '046869')
  t.equal(await send('--hex', '07', '--to', String(id)), '0407')
  t.equal(await send('--text', 'hi', '--raw'), '6869')
  t.equal(await send('--hex', '07', '--to', String(id), '--raw'), '07')
})

t.test('explains errors, with their exit code', async t => {
  const { url } = await startApp(t, { admin: { token } })
  const unauthorized = { code: 1, output: '', errors: /^Unauthorized: wrong or missing admin token/ }
  t.match(await command(['peers', '--url', url]), unauthorized)
  t.match(await command(['peers', '--url', url, '--token', 'another']), unauthorized)
  t.match(await command(['peers', '--url', url, '--token', token]), { code: 0 })
  t.match(await command(['peers', '--url', url, '--token', token, '--server', 'other']), { code: 1, errors: /^no server other: / })
  t.match(await command(['peers', '--url', `${url}/docs/`, '--token', token]), { code: 1, errors: /docs/ })
  t.match(await command(['peers', '--url', 'http://127.0.0.1:9']), { code: 1, errors: /^Cannot reach the service: \w/ })
  for (const invalid of ['nonsense', 'localhost:3000', 'ws://127.0.0.1:3000']) {
    const errors = `invalid URL ${invalid}: expected e.g. http://127.0.0.1:3000\n`
    t.match(await command(['peers', '--url', invalid]), { code: 2, errors }, invalid)
  }
  t.match(await command(['peers', '--url', ` ${url} `, '--token', token]), { code: 0 })
  for (const name of ['peers', 'watch']) {
    const withPassword = url.replace('//', '//user:secret@')
    t.match(await command([name, '--url', withPassword]),
      { code: 2, errors: /^invalid URL: it has a user name or a password\n/ }, name)
    for (const wrong of ['ключ', 'two\nlines']) {
      t.match(await command([name, '--url', url, '--token', wrong]), { code: 2, errors: /^invalid token: / }, name)
    }
  }
  t.match(await command(['dance']), { code: 2, errors: /^unknown command dance\nTry: fastify-peer-server --help\n$/ })
  t.match(await command(['--port', '80']), { code: 2, errors: /^unknown option --port; .* environment variables/ })
  t.match(await command(['peers', '--dance']),
    { code: 2, errors: /--dance[^]*Try: fastify-peer-server peers --help\n$/ })
  t.match(await command(['watch', '--sort', 'beauty'], { PEER_SERVER_URL: url, ADMIN_TOKEN: token }),
    { code: 2, errors: /^invalid --sort beauty: expected one of id, / })
})

t.test('--help describes all commands, or one with its options', async t => {
  for (const argument of ['--help', '-h', 'help']) {
    const output = /^Usage[^]*peers [^]*kick [^]*rooms +Lists[^]*rooms close +Closes[^]*send [^]*watch [^]*--token/
    t.match(await command([argument]), { code: 0, errors: '', output })
  }
  const patterns = {
    peers: /^Usage: fastify-peer-server peers \[options\]\nLists peers\.\n[^]*--address <ip or CIDR>[^]*--json/,
    rooms: /^Usage: fastify-peer-server rooms \[options\]\nLists rooms\.\n[^]*--name <text>/,
    'rooms change': /^Usage: fastify-peer-server rooms change <name> \[options\]\n[^]*--locked <yes\|no>/,
    'rooms close': /^Usage: fastify-peer-server rooms close <name> \[options\]\n[^]*--reason <text>/,
    kick: /<id>\.\.\. \| --all[^]*--code <code>/,
    send: /--variant <JSON>/,
    watch: /--sort <field>/
  }
  for (const [name, output] of Object.entries(patterns)) {
    t.match(await command([...name.split(' '), '--help']), { code: 0, errors: '', output }, name)
  }
})

t.test('--version prints the version', async t => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  t.match(await command(['--version']), { code: 0, output: `${version}\n` })
})

t.test('send explains how to end typed input', async t => {
  const { join, port } = await startHost(t)
  const { socket } = await join()
  const typed = Object.assign(Readable.from([Buffer.from('typed\n')]), { isTTY: true })
  const [output, errors] = [new PassThrough(), new PassThrough()]
  const received = once(socket, 'message')
  const env = { PEER_SERVER_URL: `http://127.0.0.1:${port}` }
  const { signal } = new AbortController()
  t.equal(await run({ args: ['send'], env, input: typed as never, output: output as never, errors, signal }), 0)
  t.match(errors.read().toString(), /press Ctrl-D/)
  t.equal(String((await received)[0]), 'typed\n')
})

const shell = async (script: string) => await promisify(execFile)('bash', ['-c', script], {
  env: { ...process.env, NODE: process.execPath, CLI: join(root, 'dist/cli.js') }
})

const isMissing = { skip: !existsSync('/dev/full') && 'there is no /dev/full' }
t.test('output that cannot be written is reported, with exit code 1', isMissing, async t => {
  await t.rejects(shell('"$NODE" "$CLI" --help > /dev/full'), {
    code: 1, stderr: /^Cannot write the output: ENOSPC.*\n$/
  })
})

t.test('a reader that closes the pipe early is not an error', async t => {
  t.match(await shell('set -o pipefail; "$NODE" "$CLI" --help | true'), { stdout: '', stderr: '' })
})
