// Prepares a fresh clone: installs packages that are missing or outdated, then builds the service.
// With --test-programs it installs the programs that tests need (scripts/test-programs.mjs) instead of building.
import { execSync } from 'node:child_process'
import { existsSync, lstatSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const run = command => execSync(command, { cwd: root, stdio: 'inherit' })

/** Whether node_modules matches package-lock.json. */
function isInstalled () {
  const installed = resolve(root, 'node_modules/.package-lock.json')
  if (!existsSync(installed)) return false
  const expected = JSON.parse(readFileSync(resolve(root, 'package-lock.json'), 'utf8')).packages
  const actual = JSON.parse(readFileSync(installed, 'utf8')).packages
  return Object.entries(expected).every(([path, { version, optional }]) =>
    path === '' || optional || actual[path]?.version === version)
}

/** Whether node_modules is a symbolic link: `npm ci` would delete the packages of another checkout. */
function isLinked () {
  return lstatSync(resolve(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink() ?? false
}

if (!isInstalled()) {
  if (isLinked()) {
    console.error('node_modules is a symbolic link and does not match package-lock.json: run npm ci there.')
  } else run('npm ci --no-audit --no-fund')
}
if (process.argv.includes('--test-programs')) (await import('./test-programs.mjs')).installPrograms()
else run('npm run --silent build')
