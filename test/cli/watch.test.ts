import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { root } from '../../scripts/root.ts'
import peerServer, { adminRoutes } from '../../index.ts'
import { MemoryConnection } from '../helper/memory/memory-connection.ts'
import { freePort } from '../helper/free-port.ts'
import { openAdminCluster } from '../helper/admin-cluster.ts'
import { jsonRequest, startHost } from '../helper/host.ts'
import { repeatUntil } from '../helper/repeat-until.ts'
import { withTimeout } from '../helper/with-timeout.ts'
import { accept } from '../helper/internals.ts'

const cli = join(root, 'dist/cli.js')

/** Reads the output of a process: `prints` waits for a pattern and discards the output before it. */
function readOutput (t: Test, child: ChildProcess) {
  t.teardown(() => child.kill('SIGKILL'))
  let seen = ''
  let onData: (() => void) | undefined
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (data: string) => {
      seen += data
      onData?.()
    })
  }
  const exit = once(child, 'exit').then(([code]) => code as number)
  return {
    seen: () => seen,
    exit: async () => await withTimeout(() => `the end after ${JSON.stringify(seen)}`, exit),
    prints: async (pattern: RegExp) => {
      await withTimeout(() => `${String(pattern)} in ${JSON.stringify(seen.slice(-2000))}`, (async () => {
        while (!pattern.test(seen)) await new Promise<void>(resolve => { onData = resolve })
      })())
      seen = seen.slice(pattern.exec(seen)!.index)
    }
  }
}

/** Runs the command in a pseudo terminal, by script(1). */
function inTerminal (t: Test, port: number, size: string, env: Record<string, string> = {}, options = '') {
  const command = `stty ${size}; exec ${process.execPath} ${cli} watch --url http://127.0.0.1:${port} ${options}`
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    stdio: 'pipe', env: { ...process.env, TERM: 'xterm-256color', ...env }
  })
  return { ...readOutput(t, child), press: (keys: string) => child.stdin.write(keys) }
}

/** Runs the command without a terminal. */
function inPipe (t: Test, port: number, ...options: string[]) {
  const child = spawn(process.execPath, [cli, 'watch', '--url', `http://127.0.0.1:${port}`, ...options], { stdio: 'pipe' })
  return { ...readOutput(t, child), child }
}

/** Starts a server; a second one can be started on the same port. */
async function startServer (port = 0): Promise<{ app: FastifyInstance, port: number }> {
  const app = Fastify()
  await app.register(peerServer, { closeTimeout: 0.3 })
  await app.register(adminRoutes, { prefix: '/api/v1', auth: false })
  await app.listen({ port, host: '127.0.0.1' })
  return { app, port: (app.server.address() as AddressInfo).port }
}

const restored = /\u001B\[\?7h\u001B\[\?25h\u001B\[\?1049l\s*$/ // oxlint-disable-line no-control-regex

t.test('in a terminal it shows state, peers and events, obeys keys, and restores the terminal on q', async t => {
  const { join, port } = await startHost(t)
  const { id } = await join()
  const { prints, seen, press, exit } = inTerminal(t, port, 'rows 30 cols 100')
  await prints(/listening for/)
  await prints(new RegExp(String(id)))
  const second = await join()
  await prints(new RegExp(`joined.* ${second.id} from 127`))
  press('s')
  await prints(/In ↓/)
  // An arrow key, which is ignored, directly followed by another key.
  press('\u001B[Bp')
  await prints(/paused · p resume/)
  press('p')
  await prints(/s sort · p pause/)
  press('q')
  t.equal(await exit(), 0)
  t.match(seen(), restored)
})

t.test('begins with recent events, in a terminal and in a pipe', async t => {
  const { join, port } = await startHost(t)
  const { id } = await join()
  const { prints } = inTerminal(t, port, 'rows 30 cols 100')
  await prints(new RegExp(`joined.* ${id} from 127`))
  const pipe = inPipe(t, port)
  await pipe.prints(new RegExp(`joined.* ${id} from 127`))
})

t.test('restores the terminal on Ctrl-C, and has no colours with NO_COLOR', async t => {
  const { port } = await startHost(t)
  const { prints, seen, press, exit } = inTerminal(t, port, 'rows 20 cols 60', { NO_COLOR: '1' })
  await prints(/listening for/)
  t.notMatch(seen(), /\u001B\[[\d;]*m/) // oxlint-disable-line no-control-regex
  press('\u0003')
  t.equal(await exit(), 0)
  t.match(seen(), restored)
})

t.test('restores the terminal and prints the reason when the service rejects the request', async t => {
  const { port } = await startHost(t, { admin: { token: 'a token of more than thirty-two characters' } })
  for (const options of ['', '--room a']) {
    const { prints, exit } = inTerminal(t, port, 'rows 20 cols 60', { ADMIN_TOKEN: '' }, options)
    await prints(/\u001B\[\?1049l\s*Unauthorized: /) // oxlint-disable-line no-control-regex
    t.equal(await exit(), 1)
  }
})

t.test('reconnects to a restarted server, in a terminal and in a pipe', async t => {
  const first = await startServer(await freePort())
  const screen = inTerminal(t, first.port, 'rows 30 cols 100')
  const lines = inPipe(t, first.port)
  await screen.prints(/listening for/)
  // Without a terminal the command does not show when it is connected.
  await repeatUntil(lines.prints(/joined/), () => {
    accept(first.app.peerServer, new MemoryConnection('192.0.2.7', 1), '')
  })
  await first.app.close()
  await screen.prints(/connection lost.* \(.*\): http/)
  await lines.prints(/Connection lost, retrying: /)
  const second = await startServer(first.port)
  t.teardown(async () => { await second.app.close() })
  await screen.prints(/reconnected.* to http/)
  await screen.prints(/listening for/)
  await lines.prints(/Reconnected\./)
  screen.press('q')
  t.equal(await screen.exit(), 0)
})

t.test('shows that the node is drained', async t => {
  const { apis: [api], urls: [url] } = await openAdminCluster(t, 1)
  const screen = inTerminal(t, Number(new URL(url).port), 'rows 30 cols 100', { NO_COLOR: '1' })
  await screen.prints(/● listening for/)
  await api('/nodes/node-0/drain', jsonRequest('POST', {}))
  await screen.prints(/● draining/)
  screen.press('q')
  t.equal(await screen.exit(), 0)
})

t.test('without a terminal it prints a line for each event', async t => {
  const { join, port } = await startHost(t)
  const { seen, prints, exit, child } = inPipe(t, port)
  await repeatUntil(prints(/joined/), () => { join().catch(() => {}) })
  t.match(seen(), /^joined \d+ from 127\.0\.0\.1:\d+$/m)
  child.kill('SIGTERM')
  t.equal(await exit(), 0)
})

t.test('--room shows the peers and events of one room, in a terminal and in a pipe', async t => {
  const { joinRoom, port } = await startHost(t, { server: { rooms: true } })
  const other = await joinRoom('b')
  const screen = inTerminal(t, port, 'rows 30 cols 100', { NO_COLOR: '1' }, '--room a')
  await screen.prints(/· room a/)
  await screen.prints(/No peers connected/)
  const { id } = await joinRoom('a')
  await screen.prints(new RegExp(`${id} .* a +\\d+s`))
  t.notMatch(screen.seen(), String(other.id))
  screen.press('q')
  t.equal(await screen.exit(), 0)

  const lines = inPipe(t, port, '--room', 'a')
  await repeatUntil(lines.prints(/joined \d+ in a/), () => {
    joinRoom('b').catch(() => {})
    joinRoom('a').catch(() => {})
  })
  t.notMatch(lines.seen(), /in b/)
  lines.child.kill('SIGTERM')
  t.equal(await lines.exit(), 0)
})
