import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { bench } from './paths.ts'

/**
 * Installs the packages of the other servers into bench/node_modules. If that fails, those peers report it when they
 * start.
 */
export function installPackages (): void {
  if (existsSync(`${bench}/node_modules/.package-lock.json`)) return
  console.error('Installing the other servers in bench/node_modules')
  const args = ['ci', '--no-audit', '--no-fund', '--silent']
  spawnSync('npm', args, { cwd: bench, stdio: ['ignore', 'ignore', 'inherit'] })
}
