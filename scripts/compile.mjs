// Compiles to dist/, where the service, the tests and the benchmarks run from.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { spawn } from 'node:child_process'

const root = resolve(import.meta.dirname, '..')
const dist = join(root, 'dist')
// Its time is when the last build began: a source file that changed later may have been read before or after.
const stamp = join(dist, '.build-began')
const output = /(\.d)?\.m?[jt]s(\.map)?$/

/** Type checks and compiles the files of a tsconfig, in a process of its own; resolves with its exit code. */
export function build (tsconfig) {
  prune()
  mkdirSync(dist, { recursive: true })
  writeFileSync(stamp, '')
  const tsc = spawn(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--build', tsconfig],
    { cwd: root, stdio: ['ignore', 2, 2] })
  return new Promise(resolve => tsc.on('exit', code => resolve(code ?? 1)))
}

/** Compiles the files that changed since they were last compiled, without checking types. */
export async function transpile () {
  prune()
  const { default: ts } = await import('typescript')
  const { options, fileNames } = ts.getParsedCommandLineOfConfigFile(join(root, 'tsconfig.json'), {}, ts.sys)
  // NodeNext would ask package.json whether a file is a module; alone, a file of this project always is.
  const compilerOptions = { ...options, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler }
  for (const fileName of fileNames.filter(isStale)) {
    const target = outputOf(fileName)
    const { atime, mtime } = statSync(fileName)
    const { outputText, sourceMapText } = ts.transpileModule(readFileSync(fileName, 'utf8'), { compilerOptions, fileName })
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, outputText)
    writeFileSync(`${target}.map`, JSON.stringify({ ...JSON.parse(sourceMapText), sources: [relative(dirname(target), fileName)] }))
    utimesSync(target, atime, mtime)
  }
}

/** The compiled file of a source file. */
export function outputOf (source) {
  return join(dist, relative(root, source)).replace(/\.ts$/, '.js')
}

/** Deletes compiled files whose source is gone, so that no test of a renamed file runs under its old name. */
function prune () {
  if (!existsSync(dist)) return
  for (const file of readdirSync(dist, { recursive: true })) {
    if (output.test(file) && !['.ts', '.mjs'].some(end => existsSync(join(root, file.replace(output, end))))) rmSync(join(dist, file))
  }
}

function isStale (source) {
  const compiled = timeOf(outputOf(source))
  const changed = timeOf(source)
  // What was transpiled has the time of its source.
  return changed !== compiled && (changed > compiled || changed > timeOf(stamp))
}

/** When a file was written, in milliseconds; 0 when there is none. */
function timeOf (file) {
  return Math.trunc(statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0)
}

if (process.argv[1] === import.meta.filename) process.exitCode = await build(process.argv[2] ?? 'tsconfig.json')
