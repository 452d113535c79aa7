import { existsSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { root } from '../../../scripts/root.ts'
import { shortRun } from '../../../scripts/test/short-run.mjs'

const folder = join(root, 'test/clients')

/** Loads a package that only tests use, from test/clients. */
export const loadTool = createRequire(join(folder, 'package.json'))

/** How to start a command of the packages in `test/clients` or `test/hosts`: Node, and its arguments. */
export function toolCommand (name: string, packages: 'clients' | 'hosts' = 'clients'): [string, ...string[]] {
  return [process.execPath, ...shortRun, realpathSync(join(root, 'test', packages, 'node_modules/.bin', name))]
}

/** Options of `t.test` that skip it if these packages are not installed. */
export const skipWithoutTools: { skip: string | false } = {
  skip: existsSync(join(folder, 'node_modules')) ? false : 'run npm ci in test/clients'
}
