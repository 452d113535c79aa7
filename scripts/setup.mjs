// Prepares a fresh clone: installs packages that are missing or outdated, then builds the service.
// Instead of building, --test-programs installs the programs that tests need (scripts/test-programs.mjs), and
// --test-packages the packages of test/hosts and test/clients.
import { execSync } from 'node:child_process'
import { existsSync, lstatSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
// Packages of the apps that the plugin is mounted in, and of the programs that generate clients.
const testPackages = ['test/hosts', 'test/clients'].map(folder => resolve(root, folder))
const run = (command, cwd = root) => execSync(command, { cwd, stdio: 'inherit' })

/** Installs the packages of a folder unless its node_modules matches its package-lock.json. */
function install (folder) {
  if (isInstalled(folder)) return
  if (isLinked(folder)) {
    console.error(`${folder}/node_modules is a symbolic link and does not match package-lock.json: run npm ci there.`)
  } else run('npm ci --no-audit --no-fund --prefer-offline', folder)
}

function isInstalled (folder) {
  const installed = resolve(folder, 'node_modules/.package-lock.json')
  if (!existsSync(installed)) return false
  const expected = JSON.parse(readFileSync(resolve(folder, 'package-lock.json'), 'utf8')).packages
  const actual = JSON.parse(readFileSync(installed, 'utf8')).packages
  return Object.entries(expected).every(([path, { version, optional }]) =>
    path === '' || optional || actual[path]?.version === version)
}

/** Whether node_modules is a symbolic link: `npm ci` would delete the packages of another checkout. */
function isLinked (folder) {
  return lstatSync(resolve(folder, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink() ?? false
}

install(root)
if (process.argv.includes('--test-packages')) for (const folder of testPackages) install(folder)
if (process.argv.includes('--test-programs')) (await import('./test-programs.mjs')).installPrograms()
if (process.argv.length === 2) run('npm run --silent build')
