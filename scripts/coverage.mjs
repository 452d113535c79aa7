// Fails unless the tests ran every line of the library; what they ran is in the report that tap has just written.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { outputOf } from './compile.mjs'

const root = resolve(import.meta.dirname, '..')
const folders = ['src', 'http', 'plugins', 'routes']

/** Prints every line that no test ran; returns 1 if there are any, else 0. */
export function checkCoverage () {
  const report = JSON.parse(readFileSync(join(root, '.tap/report/coverage-final.json'), 'utf8'))
  const uncovered = folders.flatMap(sourcesIn).flatMap(file => uncoveredLines(file, report[join(root, file)]))
  for (const line of uncovered) console.error(`not covered by any test: ${line}`)
  return uncovered.length === 0 ? 0 : 1
}

function sourcesIn (folder) {
  return readdirSync(join(root, folder), { recursive: true })
    .filter(file => file.endsWith('.ts')).map(file => join(folder, file))
}

function uncoveredLines (file, coverage) {
  const text = readFileSync(join(root, file), 'utf8')
  // A file that was never loaded is not in the report.
  if (coverage === undefined) return hasCode(file) ? [`${file} (never loaded)`] : []
  const lines = text.split('\n')
  return Object.entries(coverage.statementMap).filter(([statement]) => coverage.s[statement] === 0)
    .map(([, { start }]) => `${file}:${start.line}: ${lines[start.line - 1].trim()}`)
}

/** Whether anything is left of a file when its types are erased. */
function hasCode (file) {
  const output = outputOf(join(root, file))
  return !existsSync(output) || /^(?!export \{\};|\/\/# sourceMappingURL)\s*\S/m.test(withoutComments(output))
}

function withoutComments (file) {
  return readFileSync(file, 'utf8').replace(/\/\*[^]*?\*\//g, '')
}
