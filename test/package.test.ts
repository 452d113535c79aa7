import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { compilerCommand } from '../scripts/compile.mjs'
import { root } from '../scripts/root.ts'
import { filesIn } from './helper/documents/files-in.ts'
import { bundlerErrors } from './helper/documents/declarations.ts'
import { startService } from './helper/programs/service.ts'
import { temporaryFolder } from './helper/temporary-folder.ts'
import { skipWithoutTools, toolCommand } from './helper/programs/test-tools.ts'

const consumer = `
import Fastify from 'fastify'
import peerServer, { adminRoutes, GodotError, WebSocketPeer, WebSocketServer } from 'fastify-peer-server'

const app = Fastify()
const protocols: readonly string[] = ['chat']
await app.register(peerServer, { path: '/game', protocols, handshakeTimeout: 3, logLevel: 'warn' })
await app.register(adminRoutes, { prefix: '/api/v1', auth: false, logLevel: 'warn', logSerializers: {} })

app.peerServer.on('client_connected', (id: number, protocol: string) => app.log.info({ id, protocol }))
app.peerServer.on('data_received', id => {
  const peer: WebSocketPeer = app.peerServer.getPeer(id)
  peer.putPacket(peer.getPacket())
})
// @ts-expect-error: no such signal
const misspeltSignal = () => app.peerServer.on('client_conected', () => {})
// @ts-expect-error: no such option
const misspelt = () => app.register(peerServer, { handshakeTimeOut: 3 })

const answer = await app.inject('/api/v1/server')
const headers = { 'sec-websocket-protocol': 'chat' }
const client = await app.injectWS('/game', { headers }, { onOpen: socket => { socket.once('message', () => {}) } })
// @ts-expect-error: no such method of ws
const unknownMethod = () => client.dance()
client.terminate()
const server: WebSocketServer = app.peerServer
console.log(JSON.stringify([answer.statusCode, answer.json().path, server.isListening(), whatItThrows()]))
await app.close()

function whatItThrows () {
  try {
    return server.getPeer(5).id
  } catch (error) {
    return error instanceof GodotError && error.code
  }
}
`

const commonjs = `
const Fastify = require('fastify')
const { default: peerServer, adminRoutes, GodotError } = require('fastify-peer-server')
const { PeerServerClient } = require('fastify-peer-server/client')

async function main () {
  const app = Fastify()
  app.register(peerServer, { path: '/game' })
  app.register(adminRoutes, { prefix: '/api', auth: false })
  const { statusCode } = await app.inject('/api/server')
  let code
  try { app.peerServer.getPeer(5) } catch (error) { code = error instanceof GodotError && error.code }
  console.log(JSON.stringify([statusCode, code]))
  await app.close()
}
main()
`

const typedCommonjs = `
import Fastify from 'fastify'
import peerServer, { adminRoutes, type WebSocketServer } from 'fastify-peer-server'

async function main (): Promise<void> {
  const app = Fastify()
  await app.register(peerServer, { path: '/game' })
  await app.register(adminRoutes, { prefix: '/api', auth: false })
  const server: WebSocketServer = app.peerServer
  const { statusCode } = await app.inject('/api/server')
  console.log(JSON.stringify([server.options.path, statusCode]))
  await app.close()
}
main()
`

/** Uses the client as a page does. */
const page = `
import { ApiError, PeerServerClient } from 'fastify-peer-server/client'

const client = new PeerServerClient({ url: location.origin })
export const server: boolean = (await client.call('getServer')).listening
export const sent: number = (await client.call('putPacket', { id: 7 }, new Uint8Array(3))).bytes
for await (const { event } of client.events()) if (event.type === 'reset') throw new ApiError(400, {})
`

const types = { '@types/node': '*', '@types/ws': '*' }
const manifest = { name: 'consumer', private: true, type: 'module', devDependencies: types }

const tsconfig = {
  compilerOptions: {
    target: 'es2023',
    module: 'nodenext',
    strict: true,
    types: ['node'],
    esModuleInterop: true,
    noEmitOnError: true,
    skipLibCheck: false
  },
  files: ['consumer.ts', 'typed.cts']
}

/** A page is compiled for browsers: without the types of Node, and with a check of all that the client declares. */
const pageTsconfig = {
  compilerOptions: {
    target: 'es2022',
    module: 'esnext',
    moduleResolution: 'bundler',
    lib: ['es2023', 'dom', 'dom.iterable'],
    strict: true,
    types: [],
    noEmit: true
  },
  files: ['page.ts']
}

/** The service of the package in a project that has installed it. */
const packedService = 'node_modules/fastify-peer-server/dist/service.js'

/** An earlier version of Fastify, and further ones of Node, from `npm run test:nodes`. */
const fastify = process.env.FASTIFY
const nodes = (process.env.NODES ?? '').split(delimiter).filter(path => path !== '')

t.test('the packed package works and type checks in an empty project', async t => {
  const project = await emptyProject(t)
  const tarball = await pack(project)
  const options = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund']
  const { stderr } = await runProgram(project, 'npm', 'install', tarball, ...options)
  // That one comes with Fastify itself, which supports Node 20 all the same.
  t.same([...stderr.matchAll(/package: '([^']+)@[^@']+'/g)].map(([, name]) => name).filter(name => name !== 'cookie'), [],
    'all packages support this Node')

  await compileConsumer(project)
  await writeFile(join(project, 'page.ts'), page)
  await writeFile(join(project, 'page.json'), JSON.stringify(pageTsconfig))
  await run(project, process.execPath, ...compilerCommand('-p', 'page.json'))

  // There CommonJS cannot require() it.
  const node16 =
    { extends: './tsconfig.json', compilerOptions: { module: 'node16', noEmit: true }, files: ['consumer.ts'] }
  await writeFile(join(project, 'node16.json'), JSON.stringify(node16))
  await run(project, process.execPath, ...compilerCommand('-p', 'node16.json'))
  t.same(bundlerErrors(project, 'consumer.ts', 'fastify-peer-server'), [])

  const output = await run(project, process.execPath, 'consumer.js')
  t.same(JSON.parse(output), [200, '/game', true, 'ERR_DOES_NOT_EXIST'])
  t.ok(existsSync(join(project, 'node_modules/.bin/fastify-peer-server')), 'the command is there')

  await t.test('linters of packages find no faults', skipWithoutTools, async t => {
    t.match(await run(project, ...toolCommand('publint'), tarball, '--strict'), 'All good!')
    // Every Node that is supported can require() an ESM package.
    const rules = ['--profile', 'node16', '--ignore-rules', 'cjs-resolves-to-esm']
    t.match(await run(project, ...toolCommand('attw'), tarball, ...rules), 'fastify-peer-server/client')
  })

  await t.test('an installation runs no scripts', async t => {
    const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    t.same(Object.keys(scripts).filter(name => /^(pre|post)?install$|^prepare$/.test(name)), [])
    const lock = JSON.parse(await readFile(join(project, 'package-lock.json'), 'utf8'))
    t.same(Object.entries<any>(lock.packages).filter(([, one]) => one.hasInstallScript).map(([path]) => path), [])
  })

  await t.test('CommonJS in TypeScript runs', async t => {
    for (const node of [process.execPath, ...nodes]) {
      t.same(JSON.parse(await run(project, node, '--no-warnings', 'typed.cjs')), ['/game', 200], node)
    }
  })

  await t.test('require() works like import', async t => {
    await writeFile(join(project, 'consumer.cjs'), commonjs)
    for (const node of [process.execPath, ...nodes]) {
      t.same(JSON.parse(await run(project, node, '--no-warnings', 'consumer.cjs')), [200, 'ERR_DOES_NOT_EXIST'], node)
    }
  })

  await t.test('the links of the packed README lead to packed files', async t => {
    const packed = join(project, 'node_modules/fastify-peer-server')
    const readme = await readFile(join(packed, 'README.md'), 'utf8')
    const links = [...readme.matchAll(/\]\(([^)]+)\)|(?:src|srcset|href)="([^"]+)"/g)]
      .map(([, link, attribute]) => link ?? attribute).filter(link => !/^(https?:|#)/.test(link))
    t.ok(links.length > 20)
    for (const link of links) t.ok(existsSync(join(packed, link.split('#')[0])), link)
  })

  await t.test('the packed service serves the dashboard', async t => {
    const { port } = await startService(t, {}, { file: join(project, packedService) })
    for (const file of filesIn(join(root, 'web'))) {
      const answer = await fetch(`http://127.0.0.1:${port}/dashboard${file === 'index.html' ? '' : `/${file}`}`)
      t.equal(answer.status, 200, file)
      if (file !== 'index.html') t.equal(await answer.text(), await readFile(join(root, 'web', file), 'utf8'))
    }
  })
})

for (const node of [process.execPath, ...nodes]) {
  t.test(`the service is ready, serves a client and prints no warning on ${node}`, async t => {
    await checkService(t, await startService(t, {}, { node }))
    const cli = [join(root, 'dist/cli.js'), 'peers', '--url', 'http://127.0.0.1:9']
    const { stderr } = await promisify(execFile)(node, cli).catch(error => error)
    t.match(stderr, /^Cannot reach the service: .*\n$/)
  })
}

if (fastify !== undefined) {
  t.test(`the packed package and its service work with Fastify ${fastify}`, async t => {
    const project = await emptyProject(t)
    const options = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--save-exact']
    await runProgram(project, 'npm', 'install', await pack(project), `fastify@${fastify}`, ...options)
    const installed = JSON.parse(await readFile(join(project, 'node_modules/fastify/package.json'), 'utf8'))
    t.equal(installed.version, fastify)
    await compileConsumer(project)
    t.same(JSON.parse(await run(project, process.execPath, 'consumer.js')), [200, '/game', true, 'ERR_DOES_NOT_EXIST'])
    const service = await startService(t, {}, { file: join(project, packedService) })
    await checkService(t, service)
    t.notMatch(service.log.join(), 'incoming request')
  })
}

async function compileConsumer (project: string): Promise<void> {
  await writeFile(join(project, 'consumer.ts'), consumer)
  await writeFile(join(project, 'typed.cts'), typedCommonjs)
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify(tsconfig))
  await run(project, process.execPath, ...compilerCommand())
}

/** It is ready, serves a client, and prints nothing but its log; stops it. */
async function checkService (t: Test, service: Awaited<ReturnType<typeof startService>>): Promise<void> {
  const url = `http://127.0.0.1:${service.port}`
  t.same(await (await fetch(`${url}/readyz`)).json(), { ready: true })
  const socket = new WebSocket(`ws://127.0.0.1:${service.port}/ws`)
  await once(socket, 'open')
  t.match(await (await service.api('/peers')).json(), { items: [{ state: 'open' }] })
  socket.terminate()
  t.equal((await fetch(`${url}/metrics`)).status, 200)
  t.equal(await service.stop(), 0)
  t.same(service.log.filter(line => !line.startsWith('{"level":')), [], 'no warning')
}

/** A project with nothing but Node's types; what our package depends on stands ready, so that npm needs no network. */
async function emptyProject (t: Test): Promise<string> {
  const project = temporaryFolder(t)
  await writeFile(join(project, 'package.json'), JSON.stringify(manifest))
  // npm wants to find the commands of what is installed, too.
  await run(root, 'tar', '-cf', join(project, 'modules.tar'), 'node_modules/.bin', ...await runtimePackages())
  await run(project, 'tar', '-xf', 'modules.tar')
  return project
}

/** Folders below node_modules that come with the package, and Node's types. */
async function runtimePackages (): Promise<string[]> {
  const { packages } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'))
  const typed = ['node_modules/@types/node', 'node_modules/@types/ws', 'node_modules/undici-types']
  return Object.keys(packages)
    .filter(path => path !== '' && (typed.includes(path) || !(packages[path].dev || packages[path].devOptional)))
    .filter(path => existsSync(join(root, path)))
}

async function pack (folder: string): Promise<string> {
  const name = await run(root, 'npm', 'pack', '--ignore-scripts', '--silent', '--pack-destination', folder)
  return join(folder, name.trim())
}

/** Output of a command; when it fails, the error shows what it said. */
async function run (cwd: string, command: string, ...args: string[]): Promise<string> {
  return (await runProgram(cwd, command, ...args)).stdout
}

async function runProgram (
  cwd: string, command: string, ...args: string[]
): Promise<{ stdout: string, stderr: string }> {
  return await promisify(execFile)(command, args, { cwd }).catch(error => {
    throw new Error(`${error.message}\n${error.stdout}`)
  })
}
