import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { root } from '../../scripts/root.ts'

const folder = join(root, 'test/clients')

/** Loads a package that only tests use, from test/clients. */
export const loadTool = createRequire(join(folder, 'package.json'))

/** Path of a command of such a package. */
export function toolCommand (name: string): string {
  return join(folder, 'node_modules/.bin', name)
}

/** Options of `t.test` that skip it if these packages are not installed. */
export const skipWithoutTools: { skip: string | false } = {
  skip: existsSync(join(folder, 'node_modules')) ? false : 'run npm ci in test/clients'
}
