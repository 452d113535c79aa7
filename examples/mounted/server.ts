/**
 * An app that exists already, and gets a game server: `npx tsx examples/mounted/server.ts [port, default 3000]`. All
 * but plugins/game.ts was there before.
 */
import { join } from 'node:path'
import autoload from '@fastify/autoload'
import Fastify from 'fastify'

const [port = '3000'] = process.argv.slice(2)

const app = Fastify({ logger: true })
await app.register(autoload, { dir: join(import.meta.dirname, 'plugins'), forceESM: true })
await app.register(autoload, { dir: join(import.meta.dirname, 'routes'), forceESM: true })
await app.listen({ port: Number(port) })
