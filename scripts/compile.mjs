// Compiles to dist/, where the service, the tests and the benchmarks run from.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { join, parse, relative, resolve } from 'node:path'
import { bundle } from './bundle.mjs'

const root = resolve(import.meta.dirname, '..')
const dist = join(root, 'dist')
const output = /(\.d)?\.m?[jt]s(\.map)?$/

/** The command line of TypeScript's native compiler for Node. */
export function compilerCommand (...options) {
  // By default four threads check types, each of which checks much of the same again.
  const checkers = Math.ceil(availableParallelism() / 2)
  // Not below `root`, which is dist/ where tests import the compiled copy of this file.
  const compiler = createRequire(import.meta.url).resolve('typescript-native/package.json')
  return [resolve(compiler, '../bin/tsc'), ...options, '--checkers', String(checkers)]
}

/** Type-checks the files of a tsconfig, compiles those that changed, and resolves with the compiler's exit code. */
export async function build (tsconfig, ...options) {
  prune(`${parse(tsconfig).name}.tsbuildinfo`)
  const args = compilerCommand('--build', tsconfig, ...options)
  const tsc = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 2, 2] })
  const exitCode = await new Promise(resolve => tsc.on('exit', code => resolve(code ?? 1)))
  if (exitCode === 0) await bundle()
  return exitCode
}

/** The same without a type check, which takes a third of the time. */
export async function transpile (tsconfig) {
  return await build(tsconfig, '--noCheck')
}

/** The compiled file of a source file. */
export function outputOf (source) {
  return join(dist, relative(root, source)).replace(/\.ts$/, '.js')
}

/**
 * Deletes compiled files of deleted sources, so that a renamed test does not also run under its old name. `record` is
 * the file in which the compiler keeps track of its output; records that no longer match `dist/` are deleted, too.
 */
function prune (record) {
  if (!existsSync(dist)) return
  const orphans = readdirSync(dist, { recursive: true }).filter(file => output.test(file) && !hasSource(file))
  // This compilation overwrites what those with another tsconfig have written.
  const records = readdirSync(dist).filter(file => file.endsWith('.tsbuildinfo'))
  const wrong = orphans.length > 0 ? records : records.filter(file => file !== record)
  for (const file of [...orphans, ...wrong]) rmSync(join(dist, file))
}

function hasSource (file) {
  return ['.ts', '.mjs'].some(extension => existsSync(join(root, file.replace(output, extension))))
}

if (process.argv[1] === import.meta.filename) process.exitCode = await build(process.argv[2] ?? 'tsconfig.json')
