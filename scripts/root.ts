import { createRequire } from 'node:module'
import { dirname } from 'node:path'

/** The folder of package.json: the same whether this file runs compiled, below dist/, or as it is. */
export const root = dirname(createRequire(import.meta.url).resolve('fastify-peer-server/package.json'))
