// Writes openapi/asyncapi.json, which describes the WebSocket protocol in each mode: `npm run openapi`.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Fastify from 'fastify'
import peerServer from '../../plugins/peer-server.ts'
import asyncapi from '../../routes/asyncapi.ts'
import { variables } from '../../src/environment-variables.ts'
import type { ServerOptions } from '../../src/options/option-types.ts'
import { root } from '../root.ts'

/** The generated file. */
export const asyncApiFile = join(root, 'openapi/asyncapi.json')

const modes: ReadonlyArray<Partial<ServerOptions> & { name: string }> = [
  { name: 'plain' },
  { name: 'godot3', gdMpApi: true, path: '/ws3' },
  { name: 'godot4', gdMpApi: true, wire: 'godot4', path: '/ws4' }
]

/** The AsyncAPI document of a server in each mode, with default options. */
export async function asyncApiText (): Promise<string> {
  const app = Fastify()
  for (const mode of modes) await app.register(peerServer, mode)
  await app.register(asyncapi, { servers: modes.map(({ name }) => name) })
  const host = `${String(variables.HOST.defaultValue)}:${String(variables.PORT.defaultValue)}`
  const { body } = await app.inject({ url: '/asyncapi.json', headers: { host } })
  await app.close()
  return JSON.stringify(JSON.parse(body), null, 2) + '\n'
}

if (process.argv[1] === import.meta.filename) writeFileSync(asyncApiFile, await asyncApiText())
