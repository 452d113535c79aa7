// Writes openapi/openapi.json, which describes the REST API of the service: `npm run openapi`.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Fastify from 'fastify'
import { root } from '../root.ts'
import app from '../../app.ts'

/** The generated file. */
export const documentFile = join(root, 'openapi/openapi.json')

/** The OpenAPI document generated from the routes of the service. */
export async function documentText (): Promise<string> {
  const service = Fastify()
  const admin = { token: 'described, never used: 32 chars..' }
  await service.register(app, { server: { gdMpApi: true, rooms: true }, admin, lobby: {} })
  await service.ready()
  const text = JSON.stringify(service.swagger(), null, 2) + '\n'
  await service.close()
  return text
}

if (process.argv[1] === import.meta.filename) writeFileSync(documentFile, await documentText())
