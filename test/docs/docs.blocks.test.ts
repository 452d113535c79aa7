import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import t from 'tap'
import * as api from '../../index.ts'
import { root } from '../../scripts/root.ts'
import { typeErrors } from '../helper/documents/compile.ts'
import {
  asScript, blocksOf, isGodot4, readPages, readPaths, sectionsOf, tablesOf, type Block
} from '../helper/documents/doc-pages.ts'

const pages = readPages()
// Its blocks are declarations without context, written by the compiler.
const blocks = pages.filter(({ path }) => path !== 'docs/api.md').flatMap(blocksOf)

/** Where each language is checked; blocks without one are pictures, or what a program prints. */
const languages: Readonly<Record<string, string>> = {
  ts: 'below; those with a name run, too',
  sh: 'below; those with a name run, too',
  json: 'below',
  gdscript: 'for Godot 4 below; for Godot 3 docs.godot.test.ts, docs.rooms.godot.test.ts',
  nginx: 'proxies/',
  caddyfile: 'proxies/',
  conf: 'docs.cluster.test.ts',
  console: '',
  '': ''
}

/** What fragments may use without declaring it. */
const context = `
import type { FastifyInstance } from 'fastify'
import type * as P from 'fastify-peer-server'

declare global {
  const app: FastifyInstance
  const server: P.WebSocketServer
  const peer: P.WebSocketPeer
  const room: P.Room
  const multiplayer: P.MultiplayerAPI
  const main: P.RemoteNode
  const spawner: P.Spawner
  const token: string
  const id: number
  const bytes: Uint8Array
  const isText: boolean
  const player: P.SpawnedNode
  const ball: P.Replication
  const enemy: P.Replication
  const values: any
  const provider: any
  const Arena: new (room: P.Room) => object
  function findUser (token: string | undefined): Promise<object | undefined>
  function distance (id: number): number
  function isNear (id: number, node: string): boolean
}
`

t.test('every block is in a language that is checked', async t => {
  t.same(blocks.filter(({ language }) => !(language in languages)).map(place), [])
})

t.test('every block of the README in ts, sh and gdscript has a test', async t => {
  const own = blocks.filter(({ page, language }) => page === 'README.md' && /^(ts|sh|gdscript)$/.test(language))
  t.ok(own.length > 5, 'blocks were found')
  t.same(own.filter(({ name }) => name === undefined).map(place), [])
})

t.test('TypeScript compiles: complete blocks as they are, fragments and tables in a context', async t => {
  const modules = { ...typedBlocks(), ...typedTables() }
  t.ok(Object.keys(modules).length > 30, 'blocks were found')
  const names = ['', ...Object.keys(modules)]
  const files = [context, ...Object.values(modules)].map((code, at) => [`${at}.ts`, code])
  const errors = await typeErrors(t, Object.fromEntries(files))
  t.same(errors.map(({ file, start, message }) => {
    const at = parseInt(file)
    return `${names[at]}, line ${files[at][1].slice(0, start).split('\n').length}: ${message.join(' ')}`
  }), [])
})

t.test('shell blocks are valid, and JSON parses', async t => {
  for (const block of blocks.filter(({ language }) => language === 'sh')) {
    const { status, stderr } = spawnSync('bash', ['-n'], { input: block.code, encoding: 'utf8' })
    t.equal(status, 0, `${place(block)}: ${stderr}`)
  }
  for (const block of blocks.filter(({ language }) => language === 'json')) {
    t.doesNotThrow(() => JSON.parse(block.code), place(block))
  }
})

t.test('scripts for Godot 4, here and in the examples, are valid GDScript', async t => {
  const files = readPaths('examples/').filter(path => /4\/.*\.gd$/.test(path))
  const scripts = [
    ...files.map(path => ({ name: path, code: readFileSync(join(root, path), 'utf8') })),
    ...blocks.filter(block => block.language === 'gdscript' && isGodot4(block))
      .map(block => ({ name: place(block), code: asScript(block.code) }))
  ]
  t.ok(scripts.length > 8, 'scripts were found')
  const parse = gdscriptParser()
  if (parse === undefined) return t.pass('tree-sitter has no build for this machine')
  t.same(parse('func f(:\n\tpass\n'), ['1'], 'errors are found')
  t.same(scripts.flatMap(({ name, code }) => parse(code).map(line => `${name}, line ${line}`)), [])
})

t.test('the performance in the README is that of docs/benchmarks.md', async t => {
  const text = (path: string) => pages.find(page => page.path === path)!.text
  const [, ...rows] = tablesOf(text('README.md').split('## Performance')[1])[0]
  const scenarios = ['echo-64', 'room-32', 'rate', 'handshakes', 'idle']
  t.equal(rows.length, scenarios.length)
  scenarios.forEach((scenario, at) => {
    const [row] = new RegExp(`^\\| \`${scenario}\`, .*`, 'm').exec(text('docs/benchmarks.md'))!
    const measured = row.match(/\d+\.\d+/g)!
    const shown = rows[at].slice(1).join(' ').match(/\d+\.\d+/g)!
    t.same(shown.filter(number => !measured.includes(number)), [], scenario)
  })
})

t.test('the tables of docs/godot4.md have every member of its classes', async t => {
  const { classes } = JSON.parse(readFileSync(join(root, 'test/vectors/godot4-classes.json'), 'utf8')) as Members
  const sections = sectionsOf(pages.find(({ path }) => path === 'docs/godot4.md')!)
  t.same(Object.entries(classes).flatMap(([name, members]) => {
    const [[, ...rows] = []] = tablesOf(sections.get(name) ?? '')
    return members.filter(member => !rows.some(([first]) => new RegExp(`\\.${member}\\b`).test(first)))
      .map(member => `${name}.${member}`)
  }), [])
})

interface Members { readonly classes: Readonly<Record<string, string[]>> }

interface SyntaxNode {
  readonly isError: boolean
  readonly isMissing: boolean
  readonly startPosition: { readonly row: number }
  readonly children: readonly SyntaxNode[]
}

/** Parses GDScript, and returns the lines with errors. Undefined on machines that its package has no build for. */
function gdscriptParser (): ((code: string) => string[]) | undefined {
  const require = createRequire(join(root, 'test/clients/package.json'))
  try {
    const Parser = require('tree-sitter')
    const parser = new Parser()
    parser.setLanguage(require('tree-sitter-gdscript'))
    return code => errorsIn(parser.parse(code).rootNode as SyntaxNode)
  } catch (error) {
    if (process.env.CI) throw error
  }
}

function errorsIn ({ isError, isMissing, startPosition, children }: SyntaxNode): string[] {
  return [...(isError || isMissing ? [String(startPosition.row + 1)] : []), ...children.flatMap(errorsIn)]
}

function place ({ page, line, language }: Block): string {
  return `${page}:${line} ${language}`
}

/** Modules of the blocks by their place. Blocks with a name run, so they get nothing that they do not import. */
function typedBlocks (): Record<string, string> {
  return Object.fromEntries(blocks.filter(({ language }) => language === 'ts').map(block =>
    [`${block.page}:${block.line}`, block.name === undefined ? withImports(block.code) : block.code]))
}

/** A module for each page of the expressions in tables whose second column is TypeScript; each has a line. */
function typedTables (): Record<string, string> {
  return Object.fromEntries(pages.flatMap(page => {
    const rows = tablesOf(page.text).filter(([head]) => head[1] === 'TypeScript').flatMap(([, ...rows]) => rows)
    const expressions = rows.flatMap(([, second]) => /^`([^`]+)`/.exec(second)?.[1] ?? [])
    const code = ["import { readFileSync } from 'node:fs'", ...expressions].join('\n')
    return rows.length === 0 ? [] : [[`table of ${page.path}`, withImports(code)]]
  }))
}

/** Names that the package exports. */
function exportedNames (): string[] {
  const index = readFileSync(join(root, 'index.ts'), 'utf8')
  const types = [...index.matchAll(/^export type \{([^}]*)\}/gm)].flatMap(([, names]) => names.match(/\w+/g)!)
  return [...Object.keys(api), ...types].filter(name => name !== 'default')
}

const names = exportedNames()

/** A fragment with an import of what it uses of the package, on its first line, so that lines keep their numbers. */
function withImports (code: string): string {
  const missing = names.filter(name => isUsed(name, code) && !isDeclared(name, code))
  const plugin = isUsed('peerServer', code) && !isDeclared('peerServer', code) ? ['default as peerServer'] : []
  return `import { ${[...plugin, ...missing].join(', ')} } from 'fastify-peer-server'; ${code}`
}

function isUsed (name: string, code: string): boolean {
  return new RegExp(`(?<![.\\w'])${name}\\b(?![\\w'])`).test(code)
}

function isDeclared (name: string, code: string): boolean {
  const imported = [...code.matchAll(/^import .*$/gm)].join('\n')
  return new RegExp(`\\b${name}\\b`).test(imported) ||
    new RegExp(`\\b(class|const|interface|type|function) ${name}\\b`).test(code)
}
