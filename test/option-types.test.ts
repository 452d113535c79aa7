import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'
import type { Static, TSchema } from 'typebox'
import ts from 'typescript'
import { root } from '../scripts/root.ts'
import { AdminOptions } from '../src/admin/admin-options.ts'
import { RoomOptions } from '../src/core/room/room-options.ts'
import { LobbyOptions } from '../src/options/lobby-options.ts'
import { ServerOptions } from '../src/options/options.ts'
import { serverOptions } from '../src/options/server-options.ts'

type Immutable<T> = T extends (...args: never[]) => unknown
  ? T
  : T extends object ? { readonly [Name in keyof T]: Immutable<T[Name]> } : T

/** Whether the plain type of options is that of their schema: does not compile otherwise. */
type Fits<Schema extends TSchema, Plain> = Immutable<Static<Schema>> extends Immutable<Plain>
  ? Immutable<Plain> extends Immutable<Static<Schema>> ? true : 'more than the schema'
  : 'less than the schema'

const fits: [
  Fits<typeof ServerOptions, ServerOptions>, Fits<typeof RoomOptions, RoomOptions>,
  Fits<typeof AdminOptions, AdminOptions>, Fits<typeof LobbyOptions, LobbyOptions>
] = [true, true, true, true]

t.test('the types of options are those of their schemas', async t => {
  t.same(fits, [true, true, true, true])
})

t.test('no public declaration leads to typebox, so that the type checks of applications stay cheap', async t => {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.convertCompilerOptionsFromJson({ ...config.compilerOptions, declaration: true }, root)
  const entries = Object.values<{ types?: string }>(exports).flatMap(({ types = [] }) => types)
    .map(file => join(root, file.replace('./dist/', '').replace('.d.ts', '.ts')))
  t.ok(entries.length > 1)
  const seen = new Map<string, string | undefined>()
  const queue: Array<[file: string, from: string | undefined]> = entries.map(file => [file, undefined])
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const [file, from] = next
    if (seen.has(file)) continue
    seen.set(file, from)
    for (const specifier of importsOfDeclaration(file, options)) {
      if (specifier.startsWith('.')) queue.push([join(dirname(file), specifier), file])
      else t.notMatch(specifier, /typebox/, pathTo(file, seen))
    }
  }
  t.ok(seen.size > 20)
})

/** What the declaration file of a source file imports. */
function importsOfDeclaration (file: string, options: ts.CompilerOptions): string[] {
  const compiled = join(root, 'dist', relative(root, file).replace(/\.ts$/, '.d.ts'))
  t.ok(existsSync(compiled), `${compiled} exists`)
  const source = ts.createSourceFile(compiled, readFileSync(compiled, 'utf8'), options.target!)
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier !== undefined) {
      found.push((node.moduleSpecifier as ts.StringLiteral).text)
    }
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      found.push((node.argument.literal as ts.StringLiteral).text)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** How the declarations get from an entry point to a file. */
function pathTo (file: string, seen: ReadonlyMap<string, string | undefined>): string {
  const from = seen.get(file)
  return from === undefined ? relative(root, file) : `${pathTo(from, seen)} > ${relative(root, file)}`
}

t.test('serverOptions returns the options that it was given', async t => {
  const options = { gdMpApi: true, maxPeers: 3 }
  t.equal(serverOptions(options), options)
})
