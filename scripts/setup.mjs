// Prepares a fresh clone: installs packages that are missing or outdated, then compiles the service.
// Without arguments (`npm start`) these are the packages of the service and its compiler (scripts/light-install.mjs).
// All packages are installed with --package, which builds what is published, and with --test-programs and
// --test-packages, which install what tests need besides: programs (scripts/test/test-programs.mjs), and the packages
// of test/hosts and test/clients.
import { execSync } from 'node:child_process'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, transpile } from './compile.mjs'
import { installLight, isInstalled, isLinked } from './light-install.mjs'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
// Packages of the apps that the plugin is mounted in, and of the programs that generate clients.
const testPackages = ['test/hosts', 'test/clients'].map(folder => resolve(root, folder))
const args = process.argv.slice(2)

/** Installs all packages of a folder unless its node_modules matches its package-lock.json. */
function install (folder) {
  if (isInstalled(folder)) return
  if (isLinked(folder)) {
    console.error(`${folder}/node_modules is a symbolic link and does not match package-lock.json: run npm ci there.`)
    return
  }
  // npm leaves out devDependencies with NODE_ENV=production.
  // What npm prints goes to stderr, as the output of `npm pack` is the name of a file.
  execSync('npm ci --include=dev --no-audit --no-fund --prefer-offline', { cwd: folder, stdio: ['ignore', 2, 2] })
}

if (args.length === 0) {
  installLight(root)
  process.exitCode = await transpile('tsconfig.build.json')
} else {
  install(root)
  if (args.includes('--package')) process.exitCode = await build('tsconfig.build.json')
  if (args.includes('--test-packages')) for (const folder of testPackages) install(folder)
  if (args.includes('--test-programs')) (await import('./test/test-programs.mjs')).installPrograms()
}
