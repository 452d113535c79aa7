// Writes openapi/asyncapi.json, the description of what goes over the socket in each of its modes: `npm run openapi`.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './root.ts'
import { describeSockets } from '../plugins/asyncapi.ts'
import { variables } from '../src/environment.ts'
import { parseOptions, type ServerOptions } from '../src/options.ts'

/** Where the document is kept. */
export const asyncApiFile = join(root, 'openapi/asyncapi.json')

const kinds: ReadonlyArray<Partial<ServerOptions> & { name: string }> = [
  { name: 'plain' },
  { name: 'godot3', gdMpApi: true },
  { name: 'godot4', gdMpApi: true, wire: 'godot4', path: '/ws4' }
]

/** The AsyncAPI document of a server in each mode, with the options as they are without any given. */
export function asyncApiText (): string {
  const host = `${String(variables.HOST.standard)}:${String(variables.PORT.standard)}`
  return JSON.stringify(describeSockets(kinds.map(given => ({ name: given.name, options: parseOptions(given), host, isTls: false }))), null, 2) + '\n'
}

if (process.argv[1] === import.meta.filename) writeFileSync(asyncApiFile, asyncApiText())
