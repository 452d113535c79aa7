import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { bench } from '../paths.ts'

/**
 * Installs the packages of the other servers into bench/node_modules, again when their list has changed. If that fails,
 * those peers report it when they start.
 */
export function installPackages (): void {
  if (changedAt('node_modules/.package-lock.json') >= changedAt('package-lock.json')) return
  console.error('Installing the other servers in bench/node_modules')
  const args = ['ci', '--no-audit', '--no-fund', '--silent']
  spawnSync('npm', args, { cwd: bench, stdio: ['ignore', 'ignore', 'inherit'] })
}

/** When a file of bench/ was last changed; 0 if there is none. */
function changedAt (path: string): number {
  return statSync(`${bench}/${path}`, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
