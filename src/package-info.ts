import { createRequire } from 'node:module'
import { dirname } from 'node:path'

const require = createRequire(import.meta.url)
const manifest = 'fastify-peer-server/package.json'

/** Version and licence of this package. */
export const { version, license } = require(manifest) as { version: string, license: string }

/** The folder of this package. */
export const packageFolder = dirname(require.resolve(manifest))
