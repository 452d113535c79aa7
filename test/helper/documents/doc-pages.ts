import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../../scripts/root.ts'

/** A page of the documentation: its path from the root, and its text. */
export interface Page { readonly path: string, readonly text: string }

/** A fenced block of a page. */
export interface Block {
  readonly page: string
  /** Line of the opening fence, from 1. */
  readonly line: number
  /** '' without one. */
  readonly language: string
  readonly code: string
  /** Of a line `<!-- test: name -->` above the block. */
  readonly name: string | undefined
  /** The nearest heading above. */
  readonly heading: string
}

const skipped = /^(node_modules|dist|coverage|\..*)$/

/** Paths of the project's files from the root, without packages and what is generated. */
export function readPaths (folder = ''): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).filter(({ name }) => !skipped.test(name))
    .flatMap(entry => entry.isDirectory() ? readPaths(`${folder}${entry.name}/`) : [folder + entry.name])
}

/** Every Markdown file of the project, in order of their paths. */
export function readPages (): Page[] {
  return readPaths().filter(path => path.endsWith('.md')).sort()
    .map(path => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

/** The blocks of a page in order. */
export function blocksOf ({ path, text }: Page): Block[] {
  const lines = text.split('\n')
  const blocks: Block[] = []
  let heading = ''
  for (let at = 0; at < lines.length; at++) {
    heading = /^#+ (.*)/.exec(lines[at])?.[1] ?? heading
    const [, language] = /^```(.*)$/.exec(lines[at]) ?? []
    if (language === undefined) continue
    const end = lines.indexOf('```', at + 1)
    if (end < 0) throw new Error(`${path}:${at + 1}: a block without an end`)
    const marker = lines.slice(0, at).findLast(line => line !== '') ?? ''
    blocks.push({
      page: path,
      line: at + 1,
      language,
      code: lines.slice(at + 1, end).map(line => `${line}\n`).join(''),
      name: /^<!-- test: (\S+) -->$/.exec(marker)?.[1],
      heading
    })
    at = end
  }
  return blocks
}

/** Whether a block in GDScript is for Godot 4. */
export function isGodot4 ({ page, heading, code }: Block): boolean {
  return page.includes('4') || heading.includes('Godot 4') || code.startsWith('# Godot 4')
}

/** GDScript as a file: without `extends`, functions get that line, and statements a function. */
export function asScript (code: string): string {
  if (/^extends /m.test(code)) return code
  const hasFunctions = /^(\S+ )*(func|signal) /m.test(code)
  return hasFunctions ? `extends Node\n\n${code}` : `extends Node\n\nfunc run():\n${code.replace(/^(?=.)/gm, '\t')}`
}

/** The text of a page without its blocks; lines keep their numbers. */
export function proseOf ({ text }: Page): string {
  return text.replace(/^```.*\n[^]*?^```$/gm, block => block.replace(/[^\n]+/g, ''))
}

/** The tables of a text: their rows of cells, first the head. */
export function tablesOf (text: string): string[][][] {
  return [...text.matchAll(/(?:^\|.*\n)+/gm)].map(([table]) => {
    const rows = table.trimEnd().split('\n').map(row =>
      row.slice(1, -1).split(/(?<!\\)\|/).map(cell => cell.trim().replaceAll('\\|', '|')))
    return [rows[0], ...rows.slice(2)]
  })
}

/** The text below each heading of a page, up to the next heading. */
export function sectionsOf (page: Page): Map<string, string> {
  const parts = proseOf(page).split(/^#{1,6} (.*)$/m)
  return new Map(parts.flatMap((title, at) => at % 2 === 1 ? [[title, parts[at + 1]]] : []))
}
