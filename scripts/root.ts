import { createRequire } from 'node:module'
import { dirname } from 'node:path'

/** The folder of package.json, whether this file runs compiled below dist/ or from source. */
export const root = dirname(createRequire(import.meta.url).resolve('fastify-peer-server/package.json'))
