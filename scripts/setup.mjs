// Makes a fresh clone ready: installs the packages when they are missing or outdated, then builds the service.
// With --parts it prepares for the tests instead: it installs what they run against (scripts/parts.mjs); they compile by themselves.
import { execSync } from 'node:child_process'
import { existsSync, lstatSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const run = command => execSync(command, { cwd: root, stdio: 'inherit' })

/** Whether node_modules holds just what package-lock.json asks for. */
function isInstalled () {
  const installed = resolve(root, 'node_modules/.package-lock.json')
  if (!existsSync(installed)) return false
  const wanted = JSON.parse(readFileSync(resolve(root, 'package-lock.json'), 'utf8')).packages
  const present = JSON.parse(readFileSync(installed, 'utf8')).packages
  return Object.entries(wanted).every(([path, { version, optional }]) =>
    path === '' || optional || present[path]?.version === version)
}

/** Whether node_modules is another checkout's: `npm ci` would delete the packages there. */
function isLinked () {
  return lstatSync(resolve(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink() ?? false
}

if (!isInstalled()) {
  if (isLinked()) console.error('node_modules is a link and differs from package-lock.json: not installing; run npm ci where it points to.')
  else run('npm ci --no-audit --no-fund')
}
if (process.argv.includes('--parts')) (await import('./parts.mjs')).provision()
else run('npm run --silent build')
