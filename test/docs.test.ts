import { spawn } from 'node:child_process'
import { on, once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import WebSocket from 'ws'
import { root } from '../scripts/root.ts'
import { freePort } from './helper/free-port.ts'
import { encodeRelayPacket } from '../src/protocol/multiplayer/relay-packet.ts'
import { encodeVariant } from '../src/protocol/variant/variant.ts'
import { withTimeout } from './helper/with-timeout.ts'

/**
 * Examples of README.md that run here: a fenced block (ts, js or sh) right below a line `<!-- test: name -->`.
 * Its port (3000 or 9080) is replaced by a free one, and while it runs the check of that name below must pass.
 */
const checks: Record<string, (t: Test, port: number) => Promise<void>> = {
  async mounted (t, port) {
    await echoes(t, port)
    t.equal((await fetch(`http://127.0.0.1:${port}/api/v1/peers`)).status, 401)
  },

  async service (t, port) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`)
    const [frame] = await once(socket, 'message')
    t.equal(frame[0], 3, 'the first frame tells a player its id')
    socket.terminate()
    t.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200)
  },

  alone: echoes,

  async member (t, port) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`)
    const [hello] = await once(socket, 'message')
    const id = hello.readInt32LE(9)
    const name = encodeVariant('Ann')
    // rpc("join", "Ann") on /root/Main, as Godot calls the first time: with the path at the end.
    const call =
      Buffer.concat([Buffer.of(0), Buffer.alloc(4), Buffer.from('join\0'), Buffer.of(1), name, Buffer.from('Main\0')])
    call.writeUInt32LE(0x80000000 + call.length - 5, 1)
    socket.send(encodeRelayPacket(0, id, 1, call))
    const heard = new Set<string>()
    for await (const [data] of on(socket, 'message')) {
      for (const member of ['scores', 'coin', 'state']) if (data.includes(`${member}\0`)) heard.add(member)
      if (heard.size === 3) break
    }
    t.same([...heard].sort(), ['coin', 'scores', 'state'])
    socket.terminate()
  }
}

// Below the root, so that `fastify-peer-server` is found as the package itself.
const scratch = join(root, '.tap/docs')

const examples = await readExamples()

t.test('every marked example has a check and vice versa', async t => {
  t.same(examples.map(({ name }) => name).sort(), Object.keys(checks).sort())
})

for (const { name, language, code } of examples) {
  t.test(`the example ${name} works`, async t => {
    const port = await freePort()
    await startExample(t, name, language, code.replaceAll(/\b(3000|9080)\b/g, String(port)), port)
    await checks[name](t, port)
  })
}

t.test('the examples type check', async t => {
  const typed = examples.filter(({ language }) => language === 'ts')
  const files = typed.map(({ name, code }) => writeExample(`${name}.types.ts`, code))
  const tsc =
    spawn(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--noEmit', '--strict', '--skipLibCheck',
      '--ignoreConfig', '--module', 'nodenext', '--target', 'es2023', '--types', 'node', ...await Promise.all(files)],
    { cwd: root, stdio: ['ignore', 2, 2] })
  t.same(await once(tsc, 'exit'), [0, null])
})

async function echoes (t: Test, port: number): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, 'chat')
  await once(socket, 'open')
  socket.send('hello')
  const [echo] = await once(socket, 'message')
  t.equal(echo.toString(), 'hello')
  socket.terminate()
}

async function readExamples () {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  return [...readme.matchAll(/^<!-- test: (\S+) -->\n+```(\w+)\n(.*?)^```$/gms)]
    .map(([, name, language, code]) => ({ name, language, code }))
}

/** Runs an example until the test ends; resolves once something listens on the port. */
async function startExample (t: Test, name: string, language: string, code: string, port: number): Promise<void> {
  const [command, ...args] = language === 'sh'
    ? ['bash', '-c', code]
    : [process.execPath, '--import', 'tsx', await writeExample(`${name}.${language}`, code)]
  // A group of its own, so that nothing a shell started outlives the test.
  const example = spawn(command, args, {
    cwd: root,
    env: readersEnv(port),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const exited = once(example, 'exit')
  t.teardown(async () => {
    try { process.kill(-example.pid!, 'SIGKILL') } catch { /* It ended by itself. */ }
    await exited
  })
  let output = ''
  for (const stream of [example.stdout, example.stderr]) stream.on('data', data => { output += data })
  await withTimeout(60, () => `something on port ${port}:\n${output}`, listening(port))
}

async function listening (port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
  } catch {
    await delay(50)
    return await listening(port)
  } finally {
    socket.destroy()
  }
}

async function writeExample (file: string, code: string): Promise<string> {
  await mkdir(scratch, { recursive: true })
  await writeFile(join(scratch, file), code)
  return join(scratch, file)
}

/** The environment a reader has, but `npm start` does not build again what is built. */
function readersEnv (port: number) {
  return {
    ...process.env,
    PORT: String(port),
    ADMIN_TOKEN: 'a token of at least thirty-two letters',
    npm_config_ignore_scripts: 'true'
  }
}
