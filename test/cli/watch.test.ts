import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { root } from '../../scripts/root.ts'
import peerServer, { adminRoutes } from '../../index.ts'
import { MemoryConnection } from '../helper/memory-connection.ts'
import { startHost } from '../helper/host.ts'
import { within } from '../helper/within.ts'
import { accept } from '../helper/internals.ts'

const cli = join(root, 'dist/cli.js')

/** A process, and what it says: `says` resolves when that is somewhere in it, and forgets what was before. */
function listenTo (t: Test, child: ChildProcess) {
  t.teardown(() => child.kill('SIGKILL'))
  let seen = ''
  let heard: (() => void) | undefined
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (data: string) => {
      seen += data
      heard?.()
    })
  }
  const exit = once(child, 'exit').then(([code]) => code as number)
  return {
    seen: () => seen,
    exit: async () => await within(10, () => `the end after ${JSON.stringify(seen)}`, exit),
    says: async (pattern: RegExp) => {
      await within(20, () => `${String(pattern)} in ${JSON.stringify(seen.slice(-2000))}`, (async () => { while (!pattern.test(seen)) await new Promise<void>(resolve => { heard = resolve }) })())
      seen = seen.slice(pattern.exec(seen)!.index)
    }
  }
}

/** The command in a terminal that script(1) gives it. */
function inTerminal (t: Test, port: number, size: string, env: Record<string, string> = {}) {
  const child = spawn('script', ['-qefc', `stty ${size}; exec ${process.execPath} ${cli} watch --url http://127.0.0.1:${port}`, '/dev/null'], { stdio: 'pipe', env: { ...process.env, TERM: 'xterm-256color', ...env } })
  return { ...listenTo(t, child), press: (keys: string) => child.stdin.write(keys) }
}

/** The command without a terminal. */
function inPipe (t: Test, port: number) {
  const child = spawn(process.execPath, [cli, 'watch', '--url', `http://127.0.0.1:${port}`], { stdio: 'pipe' })
  return { ...listenTo(t, child), child }
}

/** A server that can be started once more where it was. */
async function serve (port = 0): Promise<{ app: FastifyInstance, port: number }> {
  const app = Fastify()
  await app.register(peerServer, { closeTimeout: 0.3 })
  await app.register(adminRoutes, { prefix: '/api/v1', auth: false })
  await app.listen({ port, host: '127.0.0.1' })
  return { app, port: (app.server.address() as AddressInfo).port }
}

/** Does something again and again until something else has happened: a pipe does not say since when it hears. */
async function meanwhile (act: () => void, happened: Promise<void>): Promise<void> {
  const timer = setInterval(act, 100)
  await happened.finally(() => { clearInterval(timer) })
}

const given = /\u001B\[\?7h\u001B\[\?25h\u001B\[\?1049l\s*$/ // eslint-disable-line no-control-regex

t.test('in a terminal: it draws, keys do what they say, and q gives the terminal back', async t => {
  const { join, port } = await startHost(t)
  const { id } = await join()
  const { says, seen, press, exit } = inTerminal(t, port, 'rows 30 cols 100')
  await says(/listening for/)
  await says(new RegExp(String(id)))
  const late = await join()
  await says(new RegExp(`joined.* ${late.id} from 127`))
  press('s')
  await says(/In ↓/)
  // An arrow, of which nothing is meant, and a key right behind it.
  press('\u001B[Bp')
  await says(/paused · p go on/)
  press('p')
  await says(/s sort · p pause/)
  press('q')
  t.equal(await exit(), 0)
  t.match(seen(), given)
})

t.test('Ctrl-C gives the terminal back too; NO_COLOR leaves out colours', async t => {
  const { port } = await startHost(t)
  const { says, seen, press, exit } = inTerminal(t, port, 'rows 20 cols 60', { NO_COLOR: '1' })
  await says(/listening for/)
  t.notMatch(seen(), /\u001B\[[\d;]*m/) // eslint-disable-line no-control-regex
  press('\u0003')
  t.equal(await exit(), 0)
  t.match(seen(), given)
})

t.test('what the service refuses ends it, with the reason below the terminal as it was', async t => {
  const { port } = await startHost(t, { admin: { token: 'a token of more than thirty-two characters' } })
  const { says, exit } = inTerminal(t, port, 'rows 20 cols 60', { ADMIN_TOKEN: '' })
  await says(/\u001B\[\?1049l\s*The service wants its ADMIN_TOKEN/) // eslint-disable-line no-control-regex
  t.equal(await exit(), 1)
})

t.test('a server that starts anew is found again, in a terminal and in a pipe', async t => {
  const first = await serve()
  const screen = inTerminal(t, first.port, 'rows 30 cols 100')
  const lines = inPipe(t, first.port)
  await screen.says(/listening for/)
  await meanwhile(() => { accept(first.app.peerServer, new MemoryConnection('192.0.2.7', 1), '') }, lines.says(/joined/))
  await first.app.close()
  await screen.says(/trouble.* with http/)
  await lines.says(/Trying again: the service/)
  const second = await serve(first.port)
  t.teardown(async () => { await second.app.close() })
  await screen.says(/back:.* http\S* answers again/)
  await screen.says(/listening for/)
  await lines.says(/Connected again/)
  screen.press('q')
  t.equal(await screen.exit(), 0)
})

t.test('where there is no terminal: a line for each event', async t => {
  const { join, port } = await startHost(t)
  const { seen, says, exit, child } = inPipe(t, port)
  await meanwhile(() => { join().catch(() => {}) }, says(/joined/))
  t.match(seen(), /^joined \d+ from 127\.0\.0\.1:\d+$/m)
  child.kill('SIGTERM')
  t.equal(await exit(), 0)
})
