// Runs the tests, compiled: `npm test`, `npm run test:quick`, `npm run test:file -- test/core/rooms.test.ts`; other words go to tap.
import { spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { build, outputOf, transpile } from './compile.mjs'

const root = resolve(import.meta.dirname, '..')
const uncovered = ['--disable-coverage', '--allow-empty-coverage']

// Tests that start other programs or take seconds: real Godot, browsers, npm, whole processes.
const slow = ['**/*.godot.test.js', '**/*.browser.test.js', '**/bench/run.test.js', '**/test/docs.test.js', '**/test/package.test.js']

const [mode, ...words] = process.argv.slice(2)
process.exitCode = await run()

async function run () {
  switch (mode) {
    case 'all':
      return await check() || tap(words)
    case 'quick':
      return await build('tsconfig.json') || tap([...uncovered, ...slow.map(pattern => `--exclude=${pattern}`), ...words])
    case 'file':
      await transpile()
      return runFiles(words.map(word => word.endsWith('.ts') ? outputOf(resolve(word)) : word))
  }
}

/** Lint and types, side by side. */
async function check () {
  const codes = await Promise.all([node(bin('eslint/bin/eslint.js'), '--cache', '--cache-location', 'dist/.eslintcache', '.'), build('tsconfig.json')])
  return Math.max(...codes)
}

/** One file runs without the runner, which takes seconds to start. */
function runFiles (words) {
  return words.length === 1 ? node('--enable-source-maps', ...words) : tap([...uncovered, ...words])
}

function tap (words) {
  return node(bin('tap/dist/esm/run.mjs'), ...words)
}

function bin (script) {
  return join(root, 'node_modules', script)
}

/** Runs Node; resolves with its exit code. */
function node (...args) {
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' })
  return new Promise(resolve => child.on('exit', code => resolve(code ?? 1)))
}
