import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { bench } from './paths.ts'

/** Installs what the other servers need into bench/node_modules unless it is there. When that fails, the peers tell what they miss. */
export function installPackages (): void {
  if (existsSync(`${bench}/node_modules/.package-lock.json`)) return
  console.error('Installing the other servers into bench/node_modules')
  spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--silent'], { cwd: bench, stdio: ['ignore', 'ignore', 'inherit'] })
}
