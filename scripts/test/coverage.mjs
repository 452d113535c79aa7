// Prints the lines of the library that the tests did not run, by what V8 noted in their processes; fails if there are
// more than `RACES`. One that cannot run in a test stands after `c8 ignore next` or between `c8 ignore start` and
// `stop`, with the reason.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { outputOf } from '../compile.mjs'

const root = resolve(import.meta.dirname, '../..')
/** Where processes write what they have executed. */
export const coverageFolder = join(root, 'dist/.coverage')
const folders = ['src', 'http', 'plugins', 'routes']
const prefixes = folders.map(folder => pathToFileURL(join(root, 'dist', folder, '/')).href)
const bundle = pathToFileURL(outputOf(join(root, 'src/typebox.ts'))).href
/** The major version of Node that runs every line: later ones do not need all of them. */
const NODE = '20'
/** Maximum number of lines not run: some run only if events happen in a certain order. */
const RACES = 3

/** Prints every line that no test ran; returns 1 if there are too many, else 0. */
export function checkCoverage () {
  if (process.versions.node.split('.')[0] !== NODE) {
    console.log(`# coverage is checked on Node ${NODE} only`)
    return 0
  }
  const executed = readExecuted()
  const lines = folders.flatMap(sourcesIn).filter(source => isMeasured(pathToFileURL(outputOf(source)).href))
    .flatMap(source => uncoveredLines(source, executed.get(outputOf(source))))
  for (const line of lines) console.error(`not covered by any test: ${line}`)
  return lines.length > RACES ? 1 : 0
}

/** Whether the URL is that of a compiled file of the library, and not that of the bundle of packages. */
export function isMeasured (url) {
  return prefixes.some(prefix => url.startsWith(prefix)) && url !== bundle
}

function sourcesIn (folder) {
  return readdirSync(join(root, folder), { recursive: true })
    .filter(file => file.endsWith('.ts')).map(file => join(root, folder, file))
}

/** Per compiled file of the library: for every character whether any process executed it. */
function readExecuted () {
  const files = new Map()
  for (const report of readdirSync(coverageFolder)) {
    const { result } = JSON.parse(readFileSync(join(coverageFolder, report), 'utf8'))
    for (const { url, functions } of result) {
      if (isMeasured(url)) addProcess(files, new URL(url).pathname, functions)
    }
  }
  return files
}

function addProcess (files, file, functions) {
  const { length } = readFileSync(file, 'utf8')
  const executed = new Uint8Array(length)
  // An inner range comes after the range that it is in.
  for (const { ranges } of functions) {
    for (const { startOffset, endOffset, count } of ranges) executed.fill(count > 0 ? 1 : 0, startOffset, endOffset)
  }
  const all = files.get(file) ?? new Uint8Array(length)
  files.set(file, all.map((was, at) => was | executed[at]))
}

/** Lines of which nothing was executed. */
function uncoveredLines (source, executed) {
  const output = outputOf(source)
  const name = relative(root, source)
  if (!existsSync(output)) return [`${name} (not compiled)`]
  const compiled = readFileSync(output, 'utf8')
  if (executed === undefined) return hasCode(compiled) ? [`${name} (never loaded)`] : []
  const map = new SourceMap(JSON.parse(readFileSync(`${output}.map`, 'utf8')))
  const lines = readFileSync(source, 'utf8').split('\n')
  const ignored = ignoredLines(lines)
  const [covered, uncovered] = [new Set(), new Set()]
  let start = 0
  for (const [at, line] of compiled.split('\n').entries()) {
    const column = line.search(/\S/)
    const { originalLine } = column < 0 ? {} : map.findEntry(at, column)
    const isExecuted = executed.subarray(start + column, start + line.length).includes(1)
    // The compiler puts what follows an `if` in a line of its own.
    if (originalLine !== undefined) (isExecuted ? covered : uncovered).add(originalLine)
    start += line.length + 1
  }
  return [...uncovered].filter(at => !covered.has(at) && !ignored.has(at))
    .map(at => `${name}:${at + 1}: ${lines[at].trim()}`)
}

/** Lines between `c8 ignore start` and `stop`, and after `c8 ignore next`. */
function ignoredLines (lines) {
  const ignored = new Set()
  let isIgnoring = false
  for (const [at, line] of lines.entries()) {
    if (line.includes('c8 ignore start')) isIgnoring = true
    if (isIgnoring) ignored.add(at)
    if (line.includes('c8 ignore stop')) isIgnoring = false
    // The source map may point at the comment.
    if (line.includes('c8 ignore next')) ignored.add(at).add(at + 1)
  }
  return ignored
}

/** Whether a compiled file has code, and not only types. */
function hasCode (compiled) {
  return compiled.replace(/\/\*[^]*?\*\/|^\/\/.*$|^export \{\};$/gm, '').trim() !== ''
}
