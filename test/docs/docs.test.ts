import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import WebSocket from 'ws'
import { root } from '../../scripts/root.ts'
import { Vector2 } from '../../index.ts'
import { adminToken, readExamples, runExample, startExample, type Example } from '../helper/documents/doc-examples.ts'
import { freePort } from '../helper/free-port.ts'
import { asCall, RelaySocket } from '../helper/sockets/relay-socket.ts'

/** What must hold while an example runs; its port (3000 or 9080) is replaced by a free one. */
type Check = (t: Test, port: number, examples: readonly Example[]) => Promise<void>

const pages: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  'README.md': {
    async mounted (t, port) {
      await echoes(t, port)
      t.equal((await fetch(`http://127.0.0.1:${port}/api/v1/peers`)).status, 401)
    },

    async lobby (t, port, examples) {
      t.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200)
      const { output } = await run(t, examples, 'match', port)
      const { url, created } = JSON.parse(/^\{.*$/m.exec(output)![0])
      t.ok(created)
      const { socket, id } = await joinGame(url)
      await administer(t, port, examples, socket, id)
    },

    async game (t, port) {
      const player = await joinAnn(t, port)
      await player.until(`1: moved [${player.id},{"x":100,"y":100}]`)
    },

    async alone (t, port) { await echoes(t, port) }
  },

  'examples/arena/README.md': {
    async arena (t, port) {
      const player = await joinAnn(t, port)
      await player.until(`1: scores [[${player.id},["Ann",0]]]`)
      player.call('steer', new Vector2(1, 0))
      await player.until(/^1: state /)
    }
  },

  'docs/fastify.md': {
    async hooks (t, port) {
      const url = `ws://127.0.0.1:${port}/ws`
      await t.rejects(once(new WebSocket(url), 'open'), { message: /401/ })
      const socket = new WebSocket(url, { headers: { 'x-api-key': 'from the environment' } })
      const [[{ headers }]] = await Promise.all([once(socket, 'upgrade'), once(socket, 'open')])
      t.equal(headers['x-game'], 'arena')
      socket.terminate()
    },

    async 'on-handshake' (t, port) {
      await t.rejects(once(new WebSocket(`ws://127.0.0.1:${port}/ws?token=wrong`), 'open'), { message: /401/ })
      const socket = new WebSocket(`ws://127.0.0.1:${port}/ws?token=secret-of-ann`)
      const [welcome] = await once(socket, 'message')
      t.equal(String(welcome), 'Welcome, Ann')
      socket.terminate()
    },

    async scopes (t, port) {
      const chat = new WebSocket(`ws://127.0.0.1:${port}/games/chat`)
      await once(chat, 'open')
      const heard = once(chat, 'message')
      const { socket, id } = await joinGame(`ws://127.0.0.1:${port}/games/arena`)
      const [news] = await heard
      t.equal(String(news), `player ${id} is in the arena`)
      const response = await fetch(`http://127.0.0.1:${port}/games/admin/arena/peers/${id}`)
      t.equal(response.status, 200)
      for (const one of [chat, socket]) one.terminate()
    },

    async typescript (t, port) {
      for (const path of ['/ws', '/ws4']) {
        const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`)
        await once(socket, 'message')
        socket.terminate()
      }
    }
  },

  'docs/godot3.md': {
    async 'echo-ts' (t, port) { await echoes(t, port, ['chat']) }
  },

  'docs/multiplayer.md': {
    async member (t, port) {
      const player = await joinAnn(t, port)
      await player.until(`1: moved [${player.id},{"x":100,"y":100}]`)
      await player.until('1: health 100')
    }
  }
}

/** Examples that end by themselves, and what they print. */
const programs: Readonly<Record<string, RegExp>> = {
  'README.md testing': /^(#|ℹ) pass 1$/m,
  'docs/fastify.md testing': /^(#|ℹ) pass 2$/m
}

/** Examples that are run by the check of another one, by other files, or only looked at. */
const others: readonly string[] = [
  'README.md commands', 'README.md install', 'README.md match', 'README.md administer', 'README.md godot3',
  'docs/godot3.md connect', 'docs/godot3.md reconnect', 'docs/godot3.md token', 'docs/godot3.md echo'
]

for (const [page, checks] of Object.entries(pages)) {
  t.test(page, async t => {
    const examples = await readExamples(page)
    const tested = [...Object.keys(checks).map(name => `${page} ${name}`), ...Object.keys(programs), ...others]
    t.same(examples.map(({ name }) => `${page} ${name}`).filter(name => !tested.includes(name)), [],
      'every marked example is tested')

    for (const name of Object.keys(checks)) {
      await t.test(`the example ${name} works`, async t => {
        const port = await freePort()
        await startExample(t, at(port, find(examples, name)), [port], { API_KEY: 'from the environment' })
        await checks[name](t, port, examples)
      })
    }

    for (const { name } of examples.filter(({ name }) => `${page} ${name}` in programs)) {
      await t.test(`the example ${name} passes`, async t => {
        const { output } = await run(t, examples, name, 0)
        t.match(output, programs[`${page} ${name}`])
      })
    }
  })
}

t.test('the commands of the README are those of the package', async t => {
  const { scripts, name, peerDependencies, peerDependenciesMeta } =
    JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const examples = await readExamples('README.md')
  const commands = find(examples, 'commands').code.match(/^npm \w+/gm)!.map(command => command.slice('npm '.length))
  t.same(commands, ['start', 'test'])
  t.same(commands.filter(command => !(command in scripts)), [])
  const required = Object.keys(peerDependencies).filter(name => !peerDependenciesMeta[name]?.optional)
  t.equal(find(examples, 'install').code.trim(), ['npm install', ...required, name].join(' '))
})

function find (examples: readonly Example[], name: string): Example {
  return examples.find(example => example.name === name)!
}

/** An example that uses this port. */
function at (port: number, example: Example): Example {
  return { ...example, code: example.code.replaceAll(/\b(3000|9080)\b/g, String(port)) }
}

/** Runs an example to its end, with other variables. */
async function run (
  t: Test, examples: readonly Example[], name: string, port: number, env: Record<string, string> = {}
): Promise<{ output: string }> {
  const example = at(port, find(examples, name))
  const code = example.code.replaceAll('npx fastify-peer-server', 'node dist/cli.js')
  const { code: exitCode, output } = await runExample(t, { ...example, code }, env)
  t.equal(exitCode, 0, output)
  return { output }
}

/** The example `administer` of the README disconnects this player. */
async function administer (
  t: Test, port: number, examples: readonly Example[], socket: WebSocket, id: number
): Promise<void> {
  const closed = once(socket, 'close')
  const { output } = await run(t, examples, 'administer', port, { ID: String(id) })
  t.match(output, `"id":${id},`)
  const [code, reason] = await closed
  t.same([code, String(reason)], [4001, 'kicked'])
  const bans = await fetch(`http://127.0.0.1:${port}/api/v1/bans`, { headers: { authorization: `Bearer ${adminToken}` } })
  t.match(await bans.json(), { items: [{ address: '192.0.2.0/24', reason: 'rude' }] })
}

/** A client in multiplayer mode, and its id, which the first message contains. */
async function joinGame (url: string): Promise<{ socket: WebSocket, id: number }> {
  const socket = new WebSocket(url)
  const [hello] = await once(socket, 'message')
  return { socket, id: hello.readInt32LE(9) }
}

/** A Godot 3 player that calls `join` of the server's node /root/Main. */
async function joinAnn (t: Test, port: number): Promise<RelaySocket> {
  const player = await RelaySocket.connect(t, `ws://127.0.0.1:${port}/ws`, {}, asCall)
  player.call('join', 'Ann')
  return player
}

async function echoes (t: Test, port: number, protocols: string[] = []): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, protocols)
  await once(socket, 'open')
  socket.send('hello')
  const [echo] = await once(socket, 'message')
  t.equal(echo.toString(), 'hello')
  socket.terminate()
}
