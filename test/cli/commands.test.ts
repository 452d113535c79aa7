import { join } from 'node:path'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { root } from '../../scripts/root.ts'
import app from '../../app.ts'
import { run } from '../../src/cli/index.ts'
import { decodeVariant } from '../../src/protocol/variant/variant.ts'
import { startHost } from '../helper/host.ts'

const token = 'a token of more than thirty-two characters'

async function start (t: Test) {
  const service = Fastify()
  t.teardown(async () => { await service.close() })
  await service.register(app, { server: { closeTimeout: 0.3 }, admin: { token } })
  await service.listen({ port: 0, host: '127.0.0.1' })
  const { port } = service.server.address() as AddressInfo
  return { server: service.peerServer, url: `http://127.0.0.1:${port}`, port }
}

/** Runs a command line: its exit code, and what it said. */
async function command (args: string[], env: Record<string, string> = {}, stdin = ''): Promise<{ code: number, output: string, errors: string }> {
  const [output, errors] = [new PassThrough(), new PassThrough()]
  const said = Promise.all([text(output), text(errors)])
  const code = await run({ args, env, input: Readable.from([Buffer.from(stdin)]) as never, output: output as never, errors, signal: new AbortController().signal })
  output.end()
  errors.end()
  const [out, err] = await said
  return { code, output: out, errors: err }
}

t.test('peers: a table, filtered and sorted by the service, or JSON', async t => {
  const { url, port } = await start(t)
  const env = { PEER_SERVER_URL: url, ADMIN_TOKEN: token }
  t.match(await command(['peers'], env), { code: 0, output: /^ID +ADDRESS +PROTOCOL +STATE +AGE +IN +OUT +BUFFER\n$/, errors: '' })
  for (let i = 0; i < 3; i++) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`)
    t.teardown(() => { socket.terminate() })
    await once(socket, 'open')
  }
  const { output } = await command(['peers', '--sort', 'connectedAt', '--order', 'desc', '--address', '127.0.0.0/8'], env)
  t.equal(output.trim().split('\n').length, 4)
  t.match(output, /^\d+ +127\.0\.0\.1:\d+ +open +0s +0 B +0 B +0 B$/m)
  const all = JSON.parse((await command(['peers', '--json'], env)).output)
  t.equal(all.length, 3)
  t.same(JSON.parse((await command(['peers', '--json', '--limit', '2'], env)).output), all.slice(0, 2))
  t.match(await command(['peers', '--sort', 'beauty'], env), { code: 1, errors: /^sort must be / })
  t.match(await command(['peers', '--limit', '0'], env), { code: 2, errors: /^--limit 0: 1 at least/ })
  t.match(await command(['peers', 'all'], env), { code: 2, errors: /'all'/ })
})

t.test('kick: some or all, with code and reason', async t => {
  const { join, port } = await startHost(t)
  const env = { PEER_SERVER_URL: `http://127.0.0.1:${port}` }
  const [a, b, c] = [await join(), await join(), await join()]
  const end = new Promise(resolve => a.socket.once('close', (code, reason) => { resolve([code, reason.toString()]) }))
  t.match(await command(['kick', String(a.id), '--code', '4001', '--reason', 'rude'], env), { code: 0, output: '1 peer is closing\n' })
  t.same(await end, [4001, 'rude'])
  t.match(await command(['kick', String(a.id), String(b.id)], env), { code: 1, output: '1 peer is closing\n', errors: `no such peer: ${a.id}\n` })
  t.match(await command(['kick', '--all'], env), { code: 0 })
  await new Promise(resolve => c.socket.once('close', resolve))
  t.match(await command(['kick'], env), { code: 2, errors: /ids of the peers, or --all/ })
  t.match(await command(['kick', '--all', '7'], env), { code: 2 })
  t.match(await command(['kick', 'x7'], env), { code: 2, errors: /id x7: a whole number/ })
  for (const id of ['0', '1', '2147483648']) t.match(await command(['kick', id], env), { code: 2, errors: `id ${id}: peers have 2 to 2147483647` }, id)
  t.match(await command(['kick', '7', '--code', '1005'], env), { code: 1, errors: /^code must be 1000 to 1014/ })
})

t.test('send: text, hex, a Variant or what comes in, to all, one or all but one', async t => {
  const { join, port } = await startHost(t)
  const env = { PEER_SERVER_URL: `http://127.0.0.1:${port}` }
  const [a, b] = [await join(), await join()]
  const heard: Array<[string, Buffer, boolean]> = []
  for (const [name, { socket }] of Object.entries({ a, b })) socket.on('message', (data: Buffer, isBinary) => { heard.push([name, data, isBinary]) })
  const settled = async (count: number): Promise<typeof heard> => {
    while (heard.length < count) await new Promise(setImmediate)
    return heard.splice(0)
  }
  t.match(await command(['send', '--text', 'hello'], env), { code: 0, output: 'sent to 2 peers\n' })
  t.same((await settled(2)).map(([name, data, isBinary]) => [name, data.toString(), isBinary]).sort(), [['a', 'hello', false], ['b', 'hello', false]])
  t.match(await command(['send', '--hex', 'c0 ff EE', '--to', String(b.id)], env), { code: 0, output: 'sent, 3 bytes\n' })
  t.same(await settled(1), [['b', Buffer.from('c0ffee', 'hex'), true]])
  t.match(await command(['send', '--variant', '{"score":{"int":7}}', '--but', String(b.id)], env), { code: 0, output: 'sent to 1 peer\n' })
  const [[name, data]] = await settled(1)
  t.same([name, decodeVariant(data)], ['a', new Map([['score', 7]])])
  t.match(await command(['send', '--to', String(a.id)], env, 'from stdin'), { code: 0 })
  t.same(await settled(1), [['a', Buffer.from('from stdin'), true]])

  for (const [option, id] of [['--to', '0'], ['--but', '0'], ['--but', '1'], ['--but=-7', '-7'], ['--to', 'all']]) {
    t.match(await command(['send', '--text', 'for nobody', ...option.includes('=') ? [option] : [option, id]], env), { code: 2, output: '', errors: `id ${id}: ` }, `${option} ${id}`)
  }
  t.match(await command(['send', '--to', '7', '--but', '8', '--text', 'x'], env), { code: 2, errors: /either --to or --but/ })
  t.match(await command(['send', '--text', 'x', '--hex', '00'], env), { code: 2 })
  t.match(await command(['send', '--hex', '0'], env), { code: 2 })
  t.match(await command(['send', '--variant', '{'], env), { code: 2 })
  t.match(await command(['send', '--text', 'x', '--to', '7'], env), { code: 1, errors: 'no peer 7\n' })
})

t.test('what is wrong is said: no token, no service, no such command or option', async t => {
  const { url } = await start(t)
  t.match(await command(['peers', '--url', url]), { code: 1, output: '', errors: /wants its ADMIN_TOKEN/ })
  t.match(await command(['peers', '--url', url, '--token', 'another']), { code: 1, output: '', errors: /this is not it/ })
  t.match(await command(['peers', '--url', url, '--token', token]), { code: 0 })
  t.match(await command(['peers', '--url', url, '--token', token, '--server', 'other']), { code: 1, errors: /other/ })
  t.match(await command(['peers', '--url', `${url}/docs/`, '--token', token]), { code: 1, errors: /docs/ })
  t.match(await command(['peers', '--url', 'http://127.0.0.1:9']), { code: 1, errors: /^The service is not there: \w/ })
  for (const none of ['nonsense', 'localhost:3000', 'ws://127.0.0.1:3000']) t.match(await command(['peers', '--url', none]), { code: 2, errors: `${none}: an address such as http://` }, none)
  t.match(await command(['dance']), { code: 2, errors: /^dance: no such command\nTry: fastify-peer-server --help\n$/ })
  t.match(await command(['--port', '80']), { code: 2, errors: /its environment/ })
  t.match(await command(['peers', '--dance']), { code: 2, errors: /--dance[^]*Try: fastify-peer-server peers --help\n$/ })
  t.match(await command(['watch', '--sort', 'beauty'], { PEER_SERVER_URL: url, ADMIN_TOKEN: token }), { code: 2, errors: /^--sort beauty: one of id, / })
})

t.test('--help tells of all commands, and of each with its options; --version of the version', async t => {
  for (const ask of ['--help', '-h', 'help']) t.match(await command([ask]), { code: 0, errors: '', output: /^Usage[^]*peers [^]*kick [^]*send [^]*watch [^]*--token/ })
  const help = { peers: /--address <ip or CIDR>[^]*--json/, kick: /<id>\.\.\. \| --all[^]*--code <code>/, send: /--variant <JSON>/, watch: /--sort <what>/ }
  for (const [name, pattern] of Object.entries(help)) t.match(await command([name, '--help']), { code: 0, errors: '', output: pattern }, name)
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  t.match(await command(['--version']), { code: 0, output: `${version}\n` })
})

t.test('who types a packet is told how it ends', async t => {
  const { join, port } = await startHost(t)
  const { socket } = await join()
  const typed = Object.assign(Readable.from([Buffer.from('typed\n')]), { isTTY: true })
  const [output, errors] = [new PassThrough(), new PassThrough()]
  const heard = once(socket, 'message')
  t.equal(await run({ args: ['send'], env: { PEER_SERVER_URL: `http://127.0.0.1:${port}` }, input: typed as never, output: output as never, errors, signal: new AbortController().signal }), 0)
  t.match(errors.read().toString(), /Ctrl-D ends it/)
  t.equal(String((await heard)[0]), 'typed\n')
})
