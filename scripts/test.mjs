// Compiles and runs the tests: `npm test`, `npm run test:quick`, `npm run test:file -- test/core/room/rooms.test.ts`.
import { execFileSync, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { build, outputOf, transpile } from './compile.mjs'
import { checkCoverage } from './test/coverage.mjs'
import { runTests } from './test/run-tests.mjs'
import { shortRun } from './test/short-run.mjs'
import { isQuick } from './test/test-groups.mjs'

const root = resolve(import.meta.dirname, '..')

const [mode, ...args] = process.argv.slice(2)
// A test that is about production sets it.
delete process.env.NODE_ENV
process.exitCode = await run()

async function run () {
  switch (mode) {
    case 'all':
      return await checkAll()
    case 'quick':
      return await transpile('tsconfig.json') || await runTests(allTests().filter(isQuick))
    case 'file':
      return await transpile('tsconfig.json') ||
        runFiles(args.map(arg => arg.endsWith('.ts') ? outputOf(resolve(arg)) : resolve(arg)))
    case 'nodes':
      process.env.NODES = findNodes().join(delimiter)
      process.env.FASTIFY = earliestFastify()
      return await build('tsconfig.json') || runFiles([outputOf(resolve('test/package.test.ts'))])
  }
}

/** Executables of other Node versions, which npm keeps in its cache. */
function findNodes () {
  return ['20.20.2', '22.12.0', '22', '24', '26'].map(version => execFileSync('npm', [
    'exec', '--yes', `--package=node@${version}`, '--', 'node', '-p', 'process.execPath'
  ], { encoding: 'utf8' }).trim())
}

/** The earliest version of Fastify that the package supports. */
function earliestFastify () {
  const { peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return peerDependencies.fastify.replace('^', '')
}

/** Types, lint and unused exports, the last two beside the tests; then coverage. */
async function checkAll () {
  const lint = Promise.all([
    node(...shortRun, bin('oxlint/bin/oxlint')),
    node(...shortRun, bin('knip/bin/knip.js'))
  ])
  const tests = await build('tsconfig.json') || await runTests(allTests(), { measureCoverage: true })
  const [oxlint, knip] = await lint
  if (oxlint !== 0) console.error('not ok - oxlint: see its messages above')
  if (knip !== 0) console.error('not ok - knip: see its messages above')
  return oxlint || knip || tests || checkCoverage()
}

/** Compiled test files. */
function allTests () {
  const tests = join(root, 'dist/test')
  return readdirSync(tests, { recursive: true }).filter(file => file.endsWith('.test.js')).sort()
    .map(file => join(tests, file))
}

/** Prints all assertions of a single file. */
function runFiles (files) {
  process.env.TAP_TIMEOUT ??= '240'
  return files.length === 1 ? node('--enable-source-maps', ...files) : runTests(files)
}

function bin (script) {
  return join(root, 'node_modules', script)
}

/** Runs Node and resolves with its exit code. */
function node (...args) {
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' })
  return new Promise(resolve => child.on('exit', code => resolve(code ?? 1)))
}
