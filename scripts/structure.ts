// Prints figures about the structure of the source: `npx tsx scripts/structure.ts [root]`.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'
import ts from 'typescript'
import { root as ownRoot } from './root.ts'

const root = process.argv[2] ?? ownRoot
const folders = ['src', 'plugins', 'routes', 'http'].filter(folder => existsSync(join(root, folder)))
const files = [
  ...readdirSync(root).filter(file => file.endsWith('.ts')),
  ...folders.flatMap(folder => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts')).map(file => `${folder}/${file}`))
]
const program = ts.createProgram(files.map(file => join(root, file)), {
  noEmit: true,
  allowImportingTsExtensions: true
})
const sources = new Map(files.map(file => [file, program.getSourceFile(join(root, file))!]))

function median (numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1]
}

function lineCount (file: string): number {
  return readFileSync(join(root, file), 'utf8').split('\n').length - 1
}

/** Files that this one imports at run time; imports of types are erased. */
function importsOf (file: string): string[] {
  const specifiers = sources.get(file)!.statements.flatMap(statement => {
    const isType = ts.isImportDeclaration(statement) && statement.importClause?.isTypeOnly === true
    if (isType || !(ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement))) return []
    return statement.moduleSpecifier === undefined ? [] : [(statement.moduleSpecifier as ts.StringLiteral).text]
  })
  return specifiers.map(name => normalize(join(file, '..', name))).filter(target => sources.has(target))
}

/** The longest path of imports from this file. */
function longestPath (file: string): string[] {
  const paths = importsOf(file).map(longestPath)
  return [file, ...paths.reduce((longest, path) => path.length > longest.length ? path : longest, [])]
}

function walk (node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node)
  node.forEachChild(child => { walk(child, visit) })
}

/** Public members of the class of this name that is exported by index.ts, including inherited ones, overloads once. */
function publicMembers (name: string): string[] {
  const checker = program.getTypeChecker()
  const index = checker.getSymbolAtLocation(sources.get('index.ts')!)!
  const exported = checker.getExportsOfModule(index).find(symbol => symbol.name === name)!
  const target = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
  return checker.getDeclaredTypeOfSymbol(target).getProperties().filter(({ name, declarations = [] }) => {
    const flags = declarations.map(declaration => ts.getCombinedModifierFlags(declaration))
    return !name.startsWith('__') &&
      flags.every(flag => (flag & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) === 0)
  }).map(({ name }) => name).filter(name => !name.startsWith('#'))
}

let longest = { name: '', lines: 0 }
let interfaces = 0
for (const [file, source] of sources) {
  walk(source, node => {
    if (ts.isInterfaceDeclaration(node) && file.startsWith('src/core/')) interfaces++
    if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return
    const [first, last] = [node.getStart(source), node.end].map(at => source.getLineAndCharacterOfPosition(at).line)
    if (last - first + 1 > longest.lines) longest = { name: `${file}:${first + 1}`, lines: last - first + 1 }
  })
}

const core = files.filter(file => file.startsWith('src/core/'))
console.log(`files: ${files.length}, in src/core: ${core.length}`)
console.log(`lines: ${files.reduce((sum, file) =>
  sum + lineCount(file), 0)}, median of a file: ${median(files.map(lineCount))}`)
console.log(`largest file: ${Math.max(...files.map(lineCount))} lines`)
console.log(`longest function: ${longest.lines} lines (${longest.name})`)
const path = files.map(longestPath).reduce((longest, path) => path.length > longest.length ? path : longest)
console.log(`import depth: ${path.length - 1} edges (${path.join(' > ')})`)
console.log(`interfaces in src/core: ${interfaces}`)
for (const name of ['WebSocketServer', 'WebSocketPeer', 'MultiplayerAPI']) {
  console.log(`public members of ${name}: ${publicMembers(name).length}`)
}
