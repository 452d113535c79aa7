import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { root } from '../scripts/root.ts'
import { startService } from './helper/service.ts'

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

const manifest = { name: 'consumer', private: true, type: 'module', devDependencies: { '@types/node': '*' } }

const tsconfig = {
  compilerOptions: {
    target: 'es2023',
    module: 'nodenext',
    strict: true,
    types: ['node'],
    esModuleInterop: true,
    noEmitOnError: true,
    // Checking the types of all dependencies themselves would take fifteen seconds.
    skipLibCheck: true
  },
  files: ['consumer.ts', 'typed.cts']
}

/** Further versions of Node, from `npm run test:nodes`. */
const nodes = (process.env.NODES ?? '').split(delimiter).filter(path => path !== '')

t.test('the packed package works and type checks in an empty project', async t => {
  const project = await emptyProject(t)
  const options = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund']
  const { stderr } = await runProgram(project, 'npm', 'install', await pack(project), ...options)
  // That one comes with Fastify itself, which supports Node 20 all the same.
  t.same([...stderr.matchAll(/package: '([^']+)@[^@']+'/g)].map(([, name]) => name).filter(name => name !== 'cookie'), [],
    'all packages support this Node')

  await writeFile(join(project, 'consumer.ts'), consumer)
  await writeFile(join(project, 'typed.cts'), typedCommonjs)
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify(tsconfig))
  await run(project, process.execPath, join(root, 'node_modules/typescript/bin/tsc'))

  const output = await run(project, process.execPath, 'consumer.js')
  t.same(JSON.parse(output), [200, '/game', true, 'ERR_DOES_NOT_EXIST'])
  t.ok(existsSync(join(project, 'node_modules/.bin/fastify-peer-server')), 'the command is there')

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

  await t.test('the packed service serves the dashboard', async t => {
    const { port } = await startService(t, {}, join(project, 'node_modules/fastify-peer-server/dist/service.js'))
    for (const file of await readdir(join(root, 'web'))) {
      const answer = await fetch(`http://127.0.0.1:${port}/dashboard${file === 'index.html' ? '' : `/${file}`}`)
      t.equal(answer.status, 200, file)
      if (file !== 'index.html') t.equal(await answer.text(), await readFile(join(root, 'web', file), 'utf8'))
    }
  })
})

/** A project with nothing but Node's types; what our package depends on stands ready, so that npm needs no network. */
async function emptyProject (t: Test): Promise<string> {
  const project = await mkdtemp(join(tmpdir(), 'consumer-'))
  t.teardown(() => rm(project, { recursive: true, force: true }))
  await writeFile(join(project, 'package.json'), JSON.stringify(manifest))
  // npm wants to find the commands of what is installed, too.
  await run(root, 'tar', '-cf', join(project, 'modules.tar'), 'node_modules/.bin', ...await runtimePackages())
  await run(project, 'tar', '-xf', 'modules.tar')
  return project
}

/** Folders below node_modules that come with the package, and Node's types. */
async function runtimePackages (): Promise<string[]> {
  const { packages } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'))
  const typed = ['node_modules/@types/node', 'node_modules/undici-types']
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
