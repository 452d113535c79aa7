import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { root } from '../../scripts/root.ts'
import { readEnvironment } from '../../src/environment.ts'
import { misspeltVariables } from '../../src/misspelt-variables.ts'
import { startNats } from '../helper/programs/nats.ts'
import { RelaySocket } from '../helper/sockets/relay-socket.ts'
import { startService } from '../helper/programs/service.ts'
import { skipWithout } from '../helper/programs/skip-without.ts'
import { loadTool, skipWithoutTools, toolCommand } from '../helper/programs/test-tools.ts'
import { until } from '../helper/until.ts'
import { buildImage, type RunCommand } from './image.ts'

const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const token = 'a token of more than thirty-two characters'
const compose = loadTool('yaml').parse(read('compose.yaml'), { merge: true })
const nodes = Object.entries<any>(compose.services).filter(([name]) => name.startsWith('node-'))

/** Commands of the Dockerfile: what they install and compile is taken from this project, which has it already. */
const run: RunCommand = (command, cwd) => {
  if (/^npm ci .*--omit=dev/.test(command)) copyPackages(cwd)
  else if (command.startsWith('npm ci')) symlinkSync(join(root, 'node_modules'), join(cwd, 'node_modules'))
  else if (command === 'npm run build') copyCompiled(cwd)
  else throw new Error(`RUN ${command} is unknown here`)
}

/** What `npm ci --omit=dev` installs. */
function copyPackages (folder: string): void {
  const args = ['ls', '--omit=dev', '--all', '--parseable']
  const [, ...packages] = spawnSync('npm', args, { cwd: root, encoding: 'utf8' }).stdout.trim().split('\n')
  for (const path of packages) cpSync(path, join(folder, relative(root, path)), { recursive: true })
}

/** What `npm run build` makes of the files that are in this folder. */
function copyCompiled (folder: string): void {
  const { build } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).scripts
  const [, script, config] = build.split(' ')
  if (!existsSync(join(folder, script))) throw new Error(`${script} is not in the image`)
  for (const file of sourcesOf(folder, config)) {
    const compiled = file.replace(/\.ts$/, '.js')
    mkdirSync(dirname(join(folder, 'dist', compiled)), { recursive: true })
    cpSync(join(root, 'dist', compiled), join(folder, 'dist', compiled))
  }
}

/** The files that a tsconfig of a folder selects. */
function sourcesOf (folder: string, config: string): string[] {
  const parsed = ts.getParsedCommandLineOfConfigFile(join(folder, config), {}, ts.sys as never)!
  return parsed.fileNames.map(file => relative(folder, file)).sort()
}

t.test('the Dockerfile has no faults that linters find', skipWithoutTools, async t => {
  const { validate } = loadTool('dockerfile-utils')
  t.same(validate(read('Dockerfile'), {}), [])
})

t.test('the instructions of the Dockerfile make a service that is healthy, without development packages', {
  ...skipWithout('nats-server'), ...skipWithoutTools, timeout: 240_000
}, async t => {
  const image = buildImage(t, run)
  const app = join(image.folder, image.workdir)
  t.same(image.command, ['node', 'dist/service.js'])
  t.equal(image.user, 'node', 'not as root')
  t.same(image.ports, [Number(image.env.PORT)])
  const packages = readdirSync(join(app, 'node_modules'))
  for (const name of ['typescript', 'tap', 'oxlint']) t.notOk(packages.includes(name), `without ${name}`)
  const compiled = readdirSync(join(app, 'dist'), { recursive: true, encoding: 'utf8' })
  t.same(compiled.filter(file => file.endsWith('.js')).map(file => file.replace(/js$/, 'ts')).sort(),
    sourcesOf(root, 'tsconfig.build.json'), 'all of the service and nothing else is compiled')

  await t.test('the service starts as a node of compose.yaml, with the broker of compose.yaml', async t => {
    const nats = await startNats(t, natsArguments())
    const [[id, { environment }]] = nodes
    const settings = { ...environment, ADMIN_TOKEN: token, NATS_URL: nats.url, HOST: '127.0.0.1' }
    const variables = { ...image.env, ...textOf(settings), PORT: '0' }
    const service = await startService(t, variables, { file: join(app, image.command[1]) })
    await until(async () => (await fetch(`http://127.0.0.1:${service.port}/readyz`)).ok)
    const player = await RelaySocket.connect(t, `ws://127.0.0.1:${service.port}/ws/arena-7`)
    const response = await service.api('/nodes', { headers: { authorization: `Bearer ${token}` } })
    t.match(await response.json(), { items: [{ id }] })
    t.ok(player.id > 1)

    const [, ...args] = image.healthCheck
    const check = (): number | null =>
      spawnSync(process.execPath, args, { env: { ...image.env, PORT: String(service.port) } }).status
    t.equal(check(), 0, 'healthy')
    t.equal(await service.stop(), 0)
    await player.until('close 1001')
    t.equal(check(), 1, 'no longer healthy')
  })
})

t.test('compose.yaml follows the schema and the rules of a linter', skipWithoutTools, async t => {
  const [node, ...dclint] = toolCommand('dclint')
  const args = ['--max-warnings', '0', '--config', 'test/hosting/dclint.json', 'compose.yaml']
  const { status, stdout, stderr } = spawnSync(node, [...dclint, ...args], { cwd: root, encoding: 'utf8' })
  t.equal(status, 0, stdout + stderr)
})

t.test('compose.yaml fits the service and the configuration of nginx', async t => {
  const { nats, nginx } = compose.services
  t.equal(nodes.length, 3)
  for (const [name, { environment }] of nodes) {
    const env = { ...textOf(environment), ADMIN_TOKEN: token, HOST: '0.0.0.0' }
    t.same(misspeltVariables(env), [])
    const { server, trustProxy } = readEnvironment(env)
    t.match(server.cluster, { nodeId: name, servers: ['nats://nats:4222'] })
    t.same(trustProxy, [nginx.networks.peers.ipv4_address])
  }
  const upstreams = [...read('hosting/nginx/cluster.conf').matchAll(/^upstream \w+ \{$.*?^\}$/gms)]
  t.equal(upstreams.length, 2)
  for (const [upstream] of upstreams) {
    t.same([...upstream.matchAll(/^ +server ([\w-]+):3000/gm)].map(([, name]) => name), nodes.map(([name]) => name))
  }
  const mounted = (nginx.volumes as string[]).filter(volume => volume.startsWith('./'))
    .map(volume => volume.split(':')[0])
  t.equal(mounted.length, 2)
  for (const file of mounted) t.ok(existsSync(join(root, file)), file)
  t.match(nats.healthcheck.test.join(' '), 'healthz?js-enabled-only=true')
})

/** What compose.yaml starts the broker with, but for its folder and port. */
function natsArguments (): string[] {
  return (compose.services.nats.command as string[])
    .map((word, at, all) => all[at - 1] === '--http_port' ? '-1' : word)
    .filter((word, at, all) => word !== '--store_dir' && all[at - 1] !== '--store_dir')
}

/** Variables as a process gets them. */
function textOf (environment: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, String(value)]))
}
