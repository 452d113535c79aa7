// Compiles and runs the tests: `npm test`, `npm run test:quick`, `npm run test:file -- test/core/room/rooms.test.ts`.
// Other arguments are passed to tap.
import { execFileSync, spawn } from 'node:child_process'
import { delimiter, join, resolve } from 'node:path'
import { build, outputOf, transpile } from './compile.mjs'
import { checkCoverage } from './coverage.mjs'

const root = resolve(import.meta.dirname, '..')
const uncovered = ['--disable-coverage', '--allow-empty-coverage']

// Tests that start other programs (real Godot, browsers, npm, the service) or open thousands of connections.
const slow = [
  '*godot.test.js', '*.browser.test.js', 'docs-ui.test.js', 'docs.test.js', 'package.test.js', 'service*.test.js',
  'bench/{rooms,run}.test.js', 'cli/watch.test.js', 'conformance/*.test.js', 'hosts/*.test.js', 'proxies/*.test.js'
].map(pattern => `dist/test/**/${pattern}`)

const [mode, ...args] = process.argv.slice(2)
process.exitCode = await run()

async function run () {
  switch (mode) {
    case 'all':
      // Only all tests together cover everything.
      return await check() || await tap(args) || (args.length === 0 ? checkCoverage() : 0)
    case 'quick':
      return await build('tsconfig.json') ||
        tap([...uncovered, ...slow.map(pattern => `--exclude=${pattern}`), ...args])
    case 'file':
      await transpile()
      return runFiles(args.map(arg => arg.endsWith('.ts') ? outputOf(resolve(arg)) : arg))
    case 'nodes':
      process.env.NODES = findNodes().join(delimiter)
      return await build('tsconfig.json') || runFiles([outputOf(resolve('test/package.test.ts'))])
  }
}

/** Executables of other Node versions, which npm keeps in its cache. */
function findNodes () {
  return ['20.20.2', '22', '24', '26'].map(version => execFileSync('npm', [
    'exec', '--yes', `--package=node@${version}`, '--', 'node', '-p', 'process.execPath'
  ], { encoding: 'utf8' }).trim())
}

/** Lint, unused exports and types, side by side. */
async function check () {
  const codes = await Promise.all([
    node(bin('eslint/bin/eslint.js'), '--cache', '--cache-location', 'dist/.eslintcache', '.'),
    node(bin('knip/bin/knip.js')),
    build('tsconfig.json')
  ])
  return Math.max(...codes)
}

/** Runs a single file without the tap runner, which takes seconds to start; the timeout is that of .taprc. */
function runFiles (args) {
  process.env.TAP_TIMEOUT ??= '240'
  return args.length === 1 ? node('--enable-source-maps', ...args) : tap([...uncovered, ...args])
}

function tap (args) {
  return node(bin('tap/dist/esm/run.mjs'), ...args)
}

function bin (script) {
  return join(root, 'node_modules', script)
}

/** Runs Node and resolves with its exit code. */
function node (...args) {
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' })
  return new Promise(resolve => child.on('exit', code => resolve(code ?? 1)))
}
