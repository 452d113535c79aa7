import { readFileSync, writeFileSync } from 'node:fs'
import { project } from '../paths.ts'

/** The page with the figures. */
export const page = `${project}/docs/benchmarks.md`

/** Replaces the text between `<!-- bench: name -->` and `<!-- end -->` of the page. */
export function writeSection (name: string, text: string): void {
  writeFileSync(page, replaceSection(readFileSync(page, 'utf8'), name, text))
}

/** Replaces the text of a section; throws if the document has no such section. */
export function replaceSection (document: string, name: string, text: string): string {
  const begin = `<!-- bench: ${name} -->\n`
  const start = document.indexOf(begin)
  const end = document.indexOf('<!-- end -->', start)
  if (start < 0 || end < 0) throw new Error(`No section ${name}`)
  return `${document.slice(0, start)}${begin}\n${text}\n\n${document.slice(end)}`
}
