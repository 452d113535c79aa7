import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { root } from '../scripts/root.ts'

const fastify = /^(fastify|@fastify\/|fastify-)/
const sockets = /^(ws|node:(net|tls|http|https|http2|dgram))$/
// Bytes to values and back: hashes, byte order and marks on memory are fine, nothing that keeps state or talks.
const allButPure = /^(?!node:(buffer|crypto|os|worker_threads)$)/

/** Maximum number of files directly in a folder. */
const MAX_FILES = 15
/** Maximum number of imports in a row. */
const MAX_DEPTH = 10

// The picture of docs/architecture.md: which folder is on which floor, and which packages it must not import.
// A file imports from its own folder or from a lower floor; folders on the same floor do not import each other.
const rooms: Array<{ room: RegExp, floor: number, never: RegExp[] }> = [
  { room: /^src\/(options\/)?[^/]+$/, floor: 0, never: [fastify, sockets] },
  { room: /^src\/protocol\//, floor: 1, never: [allButPure] },
  { room: /^src\/transport\//, floor: 2, never: [fastify] },
  // What applications see of a server: it opens the cluster, if there is one.
  { room: /^src\/core\/server\/websocket-server\.ts$/, floor: 5, never: [fastify, sockets] },
  { room: /^src\/core\//, floor: 3, never: [fastify, sockets] },
  { room: /^src\/cluster\//, floor: 4, never: [fastify, sockets] },
  { room: /^src\/admin\//, floor: 6, never: [fastify, sockets] },
  // It runs in browsers, too.
  { room: /^src\/client\//, floor: 7, never: [fastify, /^node:/] },
  { room: /^src\/cli\//, floor: 8, never: [fastify, sockets] },
  { room: /^http\//, floor: 8, never: [] },
  { room: /^plugins\//, floor: 9, never: [] },
  { room: /^routes\//, floor: 10, never: [] },
  { room: /^app\.ts$/, floor: 11, never: [] },
  { room: /^index\.ts$/, floor: 12, never: [] },
  { room: /^service\.ts$/, floor: 12, never: [] },
  { room: /^cli\.ts$/, floor: 13, never: [] }
]

/** Interfaces that a higher floor implements: they may name its types, but load nothing of it. */
const links = ['src/core/server/cluster-link.ts']

/** What each file imports: files by their path from the root, packages by name. */
type Imports = Map<string, string[]>

/** Statements of files. */
const parsed = new Map<string, readonly ts.Statement[]>()

t.test('the source follows docs/architecture.md', async t => {
  const [imports, loaded] = [readImports(), readImports(isLoaded)]
  t.ok(imports.size > 10, 'the source was found')
  for (const link of links) imports.set(link, loaded.get(link)!)
  t.same([...homeless(imports), ...climbers(imports), ...intruders(imports), ...circles(loaded)], [])
})

t.test('no folder has more than 15 files without folders in it', async t => {
  t.same(overfull([...readImports().keys()]), [])
  t.same(overfull(Array.from({ length: MAX_FILES + 1 }, (_, i) => `src/core/${i}.ts`)), ['src/core has 16 files'])
})

t.test('an interface XHost belongs to a class or interface X', t => {
  const names = [...readImports().keys()].flatMap(declaredIn)
  const hosts = names.filter(name => /^[A-Z].*Host$/.test(name))
  t.ok(hosts.length > 20)
  t.same(hosts.filter(name => !names.includes(name.slice(0, -'Host'.length))), [])
  t.end()
})

t.test('imports that are loaded at run time are at most 10 deep', async t => {
  t.same(tooDeep(readImports(isLoaded)), [])
})

t.test('every kind of violation is detected', async t => {
  const imports: Imports = new Map([
    ['lib/stray.ts', []],
    ['src/error.ts', ['src/options/options.ts']],
    ['src/options/options.ts', ['src/error.ts']],
    ['src/protocol/websocket/frame.ts', ['src/core/server/signals.ts', 'node:buffer', 'node:fs']],
    ['src/core/server/signals.ts', ['src/error.ts', 'fastify-plugin', 'node:net', 'node:events']],
    ['src/admin/feed.ts', ['src/core/server/signals.ts', 'src/client/client.ts']],
    ['src/client/client.ts', []],
    ['src/cluster/bus.ts', ['@fastify/websocket']],
    ['routes/peers/peers.ts', ['plugins/peer-server.ts', 'app.ts', 'fastify']]
  ])
  t.same(homeless(imports), ['lib/stray.ts has no room'])
  t.same(climbers(imports), [
    'src/protocol/websocket/frame.ts imports src/core/server/signals.ts',
    'src/admin/feed.ts imports src/client/client.ts',
    'routes/peers/peers.ts imports app.ts'
  ])
  t.same(intruders(imports), [
    'src/protocol/websocket/frame.ts imports node:fs',
    'src/core/server/signals.ts imports fastify-plugin',
    'src/core/server/signals.ts imports node:net',
    'src/cluster/bus.ts imports @fastify/websocket'
  ])
  t.same(circles(imports), ['a circle: src/error.ts > src/options/options.ts > src/error.ts'])
})

t.test('a path of imports over the maximum depth is detected', async t => {
  const chain = (length: number): Imports =>
    new Map(Array.from({ length }, (_, i) => [`src/${i}.ts`, i + 1 < length ? [`src/${i + 1}.ts`] : ['node:fs']]))
  t.same(tooDeep(chain(MAX_DEPTH + 1)), [])
  t.match(tooDeep(chain(MAX_DEPTH + 2)), [/^src\/0\.ts > src\/1\.ts > .* > src\/11\.ts$/])
})

/** Whether an import is there at run time: types may refer to each other in a circle, as peers and rooms do. */
function isLoaded (statement: ts.Statement): boolean {
  return !(ts.isImportDeclaration(statement) && statement.importClause?.isTypeOnly === true)
}

function readImports (isCounted: (statement: ts.Statement) => boolean = () => true): Imports {
  const folders = ['src', 'http', 'plugins', 'routes'].flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(file => `${folder}/${file}`))
  const files = [...readdirSync(root), ...folders].filter(file => file.endsWith('.ts'))
  return new Map(files.map(file => [file, importsOf(file, isCounted)]))
}

function statementsOf (file: string): readonly ts.Statement[] {
  const known = parsed.get(file)
  if (known !== undefined) return known
  const { statements } = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest)
  parsed.set(file, statements)
  return statements
}

/** Names of the classes, interfaces and types of a file. */
function declaredIn (file: string): string[] {
  return statementsOf(file).flatMap(statement =>
    ts.isClassDeclaration(statement) || ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)
      ? [statement.name!.text]
      : [])
}

function importsOf (file: string, isCounted: (statement: ts.Statement) => boolean): string[] {
  return statementsOf(file).filter(isCounted).flatMap(statement => {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) return []
    const { text } = (statement.moduleSpecifier ?? { text: '' }) as ts.StringLiteral
    return text.startsWith('.') ? [normalize(join(file, '..', text))] : text === '' ? [] : [text]
  })
}

function roomOf (file: string) {
  return rooms.find(({ room }) => room.test(file))
}

function edges (imports: Imports) {
  return [...imports].flatMap(([from, targets]) => targets.map(to => ({ from, to })))
}

function homeless (imports: Imports): string[] {
  return [...imports.keys()].filter(file => !roomOf(file)).map(file => `${file} has no room`)
}

function climbers (imports: Imports): string[] {
  return edges(imports).filter(({ from, to }) => {
    const [here, there] = [roomOf(from), roomOf(to)]
    return here && there && here !== there && there.floor >= here.floor
  }).map(({ from, to }) => `${from} imports ${to}`)
}

function intruders (imports: Imports): string[] {
  return edges(imports)
    .filter(({ from, to }) => !roomOf(to) && roomOf(from)?.never.some(never => never.test(to)))
    .map(({ from, to }) => `${from} imports ${to}`)
}

/** One circle, if there is any. */
function circles (imports: Imports): string[] {
  const left = new Map(imports)
  const held = (file: string) => left.get(file)!.find(target => left.has(target))
  // Files that import nothing that is left are in no circle.
  for (let free: string[] = ['']; free.length > 0;) {
    free = [...left.keys()].filter(file => !held(file))
    for (const file of free) left.delete(file)
  }
  // All others lead on and on, and so into one.
  const path: string[] = []
  for (let file = [...left.keys()][0]; file; file = held(file)!) {
    if (path.includes(file)) return [`a circle: ${[...path.slice(path.indexOf(file)), file].join(' > ')}`]
    path.push(file)
  }
  return []
}

/** Folders with too many files; the root has what npm and tools expect there. */
function overfull (files: string[]): string[] {
  const counts = new Map<string, number>()
  for (const folder of files.map(file => dirname(file))) counts.set(folder, (counts.get(folder) ?? 0) + 1)
  return [...counts].filter(([folder, count]) => folder !== '.' && count > MAX_FILES)
    .map(([folder, count]) => `${folder} has ${count} files`)
}

/** The longest path of imports, if it is too deep. */
function tooDeep (imports: Imports): string[] {
  const known = new Map<string, string[]>()
  const longestFrom = (file: string): string[] => {
    const targets = imports.get(file)!.filter(target => imports.has(target))
    const path = known.get(file) ?? [file, ...longest(targets.map(longestFrom))]
    known.set(file, path)
    return path
  }
  const path = longest([...imports.keys()].map(longestFrom))
  return path.length - 1 > MAX_DEPTH ? [path.join(' > ')] : []
}

function longest (paths: string[][]): string[] {
  return paths.reduce((longest, path) => path.length > longest.length ? path : longest, [])
}
