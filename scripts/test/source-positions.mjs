// Positions in sources for those in compiled files.
import { existsSync, readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { join, resolve } from 'node:path'

const dist = join(resolve(import.meta.dirname, '../..'), 'dist')
const maps = new Map()

/** A line of output with its positions in compiled files, `dist/a.js:7:3`, replaced by those in sources. */
export function withSourcePositions (line) {
  return line.replace(/(?:file:\/\/)?[\w./-]*\bdist\/([\w./-]+)\.js:(\d+):(\d+)/g, (all, name, row, column) => {
    const { originalLine, originalColumn } = mapOf(name)?.findEntry(row - 1, column - 1) ?? {}
    return originalLine === undefined ? all : `${name}.ts:${originalLine + 1}:${originalColumn + 1}`
  })
}

function mapOf (name) {
  if (!maps.has(name)) {
    const file = join(dist, `${name}.js.map`)
    maps.set(name, existsSync(file) ? new SourceMap(JSON.parse(readFileSync(file, 'utf8'))) : undefined)
  }
  return maps.get(name)
}
