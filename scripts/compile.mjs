// Compiles to dist/, where the service, the tests and the benchmarks run from.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { spawn } from 'node:child_process'
import { bundle } from './bundle.mjs'

const root = resolve(import.meta.dirname, '..')
const dist = join(root, 'dist')
// Its modification time is the start of the last build: the compiler may have read later versions of files changed
// since.
const stamp = join(dist, '.build-began')
const output = /(\.d)?\.m?[jt]s(\.map)?$/

/**
 * Type checks and compiles the files of a tsconfig in a child process and resolves with its exit code. The native
 * compiler takes a quarter of the time of the other one, whose API lint and `transpile` need.
 */
export async function build (tsconfig) {
  prune()
  mkdirSync(dist, { recursive: true })
  writeFileSync(stamp, '')
  const tsc = spawn(process.execPath, [join(root, 'node_modules/typescript-native/bin/tsc'), '--build', tsconfig],
    { cwd: root, stdio: ['ignore', 2, 2] })
  const exitCode = await new Promise(resolve => tsc.on('exit', code => resolve(code ?? 1)))
  if (exitCode === 0) await bundle()
  return exitCode
}

/** Compiles files of a tsconfig that changed since their last compilation, without a type check. */
export async function transpile (tsconfig) {
  prune()
  const { default: ts } = await import('typescript')
  const { options, fileNames } = ts.getParsedCommandLineOfConfigFile(join(root, tsconfig), {}, ts.sys)
  // With NodeNext the module type depends on package.json, which transpileModule does not read.
  const { ESNext } = ts.ModuleKind
  const compilerOptions = { ...options, module: ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler }
  for (const fileName of fileNames.filter(isStale)) {
    const target = outputOf(fileName)
    const { atime, mtime } = statSync(fileName)
    const source = readFileSync(fileName, 'utf8')
    const { outputText, sourceMapText } = ts.transpileModule(source, { compilerOptions, fileName })
    const sourceMap = { ...JSON.parse(sourceMapText), sources: [relative(dirname(target), fileName)] }
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, outputText)
    writeFileSync(`${target}.map`, JSON.stringify(sourceMap))
    utimesSync(target, atime, mtime)
  }
  await bundle()
}

/** The compiled file of a source file. */
export function outputOf (source) {
  return join(dist, relative(root, source)).replace(/\.ts$/, '.js')
}

/** Deletes compiled files of deleted sources, so that a renamed test does not also run under its old name. */
function prune () {
  if (!existsSync(dist)) return
  for (const file of readdirSync(dist, { recursive: true })) {
    if (!output.test(file)) continue
    const sources = ['.ts', '.mjs'].map(extension => join(root, file.replace(output, extension)))
    if (!sources.some(source => existsSync(source))) rmSync(join(dist, file))
  }
}

function isStale (source) {
  const compiled = timeOf(outputOf(source))
  const changed = timeOf(source)
  // `transpile` sets the modification time of its output to that of the source.
  return changed !== compiled && (changed > compiled || changed > timeOf(stamp))
}

/** Modification time of a file in milliseconds; 0 if it does not exist. */
function timeOf (file) {
  return Math.trunc(statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0)
}

if (process.argv[1] === import.meta.filename) process.exitCode = await build(process.argv[2] ?? 'tsconfig.json')
