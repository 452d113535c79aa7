import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { compilerCommand } from '../../scripts/compile.mjs'
import { root } from '../../scripts/root.ts'
import { startApp } from '../helper/app.ts'
import { temporaryFolder } from '../helper/temporary-folder.ts'
import { skipWithoutTools, toolCommand } from '../helper/programs/test-tools.ts'

const token = 'a token of more than thirty-two characters'

const program = `
import type { components, paths } from './types.ts'
import { client } from './hey/client.gen.ts'
import { ban, getServer, peers } from './hey/sdk.gen.ts'
import { Api } from './Api.ts'

declare const process: { argv: string[] }
const [url, token] = process.argv.slice(2)
const headers = { authorization: 'Bearer ' + token }
type State = components['schemas']['PeerServer.State']
const state = await (await fetch(url + '/api/v1/server', { headers })).json() as State
const query: NonNullable<paths['/api/v1/peers']['get']['parameters']['query']> = { limit: 5, sort: 'id' }
client.setConfig({ baseUrl: url, auth: () => token })
const server = await getServer({ throwOnError: true })
const page = await peers({ query, throwOnError: true })
const banned = await ban({ body: { address: '192.0.2.7', seconds: 60 }, throwOnError: true })
const { api } = new Api({ baseUrl: url, baseApiParams: { headers, format: 'json' } })
const bans = await api.bans()
// @ts-expect-error: no such sort key
const wrong: typeof query = { sort: 'beauty' }
console.log(JSON.stringify([
  state.listening, server.data.listening, page.data.meta.count, banned.data.address, bans.data.items.length, wrong.sort
]))
`

const tsconfig = {
  compilerOptions: {
    target: 'es2022',
    module: 'esnext',
    moduleResolution: 'bundler',
    strict: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    noEmit: true,
    lib: ['es2023', 'dom', 'dom.iterable'],
    types: []
  },
  files: ['use.ts']
}

t.test('clients that generators make of the document compile and work', skipWithoutTools, async t => {
  const { url } = await startApp(t, { admin: { token } })
  const files = { 'use.ts': program, 'tsconfig.json': JSON.stringify(tsconfig) }
  const project = temporaryFolder(t, { ...files, 'package.json': '{"type":"module"}' })
  const run = async (name: string, ...args: string[]): Promise<string> => {
    const [command, ...first] = toolCommand(name)
    const { stdout } = await promisify(execFile)(command, [...first, ...args], { cwd: project }).catch(error => {
      throw new Error(`${name}: ${error.message}\n${error.stdout}`)
    })
    return stdout
  }
  const document = join(root, 'openapi/openapi.json')
  await run('openapi-typescript', document, '-o', 'types.ts')
  await run('openapi-ts', '-i', document, '-o', 'hey', '-c', '@hey-api/client-fetch')
  await run('swagger-typescript-api', 'generate', '-p', document, '-o', '.')
  await promisify(execFile)(process.execPath, compilerCommand('-p', '.'), { cwd: project })
  const tsx = join(root, 'node_modules/tsx/dist/cli.mjs')
  const { stdout } = await promisify(execFile)(process.execPath, [tsx, 'use.ts', url, token], { cwd: project })
  t.same(JSON.parse(stdout), [true, true, 0, '192.0.2.7', 1, 'beauty'])
})
