import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { PassThrough } from 'node:stream'
import t from 'tap'
import { root } from '../../scripts/root.ts'
import { variables } from '../../src/environment-variables.ts'
import { addServerMetrics } from '../../src/admin/server-metrics.ts'
import { run } from '../../src/cli/index.ts'
import { blocksOf, proseOf, readPages, readPaths, type Page } from '../helper/documents/doc-pages.ts'

const INDEX = 'docs/README.md'

/** Names in capitals that are not variables of the service, and what knows them. */
const otherNames = {
  PEER_SERVER_URL: 'command line',
  NO_COLOR: 'command line',
  NODE_ENV: 'Node',
  NODE_EXTRA_CA_CERTS: 'Node',
  HOST_KIND: 'test/hosts',
  PEER_SERVER_INTERNALS: 'src/transport',
  PROTO_SIZE: 'a message of Godot'
}

const pages = readPages()
const paths = new Set(readPaths())
const folders = new Set([...paths].flatMap(foldersOf))
const anchors = new Map(pages.map(page => [page.path, new Set(anchorsOf(page))]))

t.test('the index has every page of docs/, and the README has the index', async t => {
  const targets = linksOf(pages.find(({ path }) => path === INDEX)!).map(({ path }) => path)
  const own = pages.map(({ path }) => path).filter(path => path.startsWith('docs/') && path !== INDEX)
  t.ok(own.length > 20, 'pages were found')
  t.same(own.filter(path => !targets.includes(path)), [])
  t.ok(linksOf(pages.find(({ path }) => path === 'README.md')!).some(({ path }) => path === INDEX))
})

t.test('every relative link leads to a file, and to a heading of it', async t => {
  const links = pages.flatMap(linksOf)
  t.ok(links.length > 300, 'links were found')
  t.same(links.filter(link => !isThere(link)).map(({ page, target }) => `${page}: ${target}`), [])
})

t.test('every path that is named is that of a file or a folder', async t => {
  const named = pages.flatMap(page => namedPaths(page).map(path => ({ page: page.path, path })))
  t.ok(named.length > 100, 'paths were found')
  t.same(named.filter(({ page, path }) => !isPath(path, page)).map(({ page, path }) => `${page}: ${path}`), [])
})

t.test('every environment variable, route and metric that is named exists', async t => {
  const known = { ...variables, ...otherNames }
  const metrics = await addServerMetrics([]).metrics()
  const { paths: routes } = JSON.parse(readFileSync(join(root, 'openapi/openapi.json'), 'utf8'))
  const unknown = pages.filter(({ path }) => path !== 'CHANGELOG.md').flatMap(page => codeOf(page).flatMap(code => [
    ...[...code.matchAll(/(?<![\w.{$])([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?![\w(])/g)].map(([, name]) => name)
      .filter(name => !(name in known) && !/^ERR_/.test(name) && !page.text.includes(`$${name}`)),
    ...[...code.matchAll(/\b(?:GET|PUT|POST|PATCH|DELETE|HEAD) (\/[\w/{}.-]*)/g)].map(([, path]) => path)
      .filter(path => !Object.keys(routes).some(route => matches(route, path))),
    ...[...code.matchAll(/\bpeer_server_\w+/g)].map(([name]) => name)
      .filter(name => !metrics.includes(name.replace(/_(bucket|sum|count)$/, '')))
  ].map(name => `${page.path}: ${name}`)))
  t.same(unknown, [])
})

t.test('every command line of `fastify-peer-server` is valid', async t => {
  const lines = pages.flatMap(page => codeOf(page).flatMap(commandLinesIn).map(args => ({ page: page.path, args })))
  t.ok(lines.length > 15, 'commands were found')
  for (const { page, args } of lines) {
    const errors = new PassThrough()
    // With --help a command checks its options and prints its help.
    const code = await run({
      args: [...args, '--help'],
      env: {},
      signal: new AbortController().signal,
      input: process.stdin,
      output: new PassThrough() as unknown as typeof process.stdout,
      errors
    })
    t.equal(code, 0, `${page}: ${args.join(' ')}: ${String(errors.read() ?? '')}`)
  }
})

t.test('anchors of headings are those of GitHub', async t => {
  const text = '# `a.b` and c: d\n## Same\n## Same\n```sh\n# not this\n```\n'
  t.same(anchorsOf({ path: '', text }), ['ab-and-c-d', 'same', 'same-1'])
})

interface Link { readonly page: string, readonly target: string, readonly path: string, readonly anchor: string }

/** The links of a page to files of the project. */
function linksOf (page: Page): Link[] {
  const prose = proseOf(page).replace(/`[^`\n]*`/g, '')
  const found = [
    ...prose.matchAll(/\]\(([^()\s]+)\)/g), ...prose.matchAll(/\b(?:src|srcset|href)="([^"]+)"/g)
  ].map(([, target]) => target)
  return found.filter(target => !/^(https?|mailto|wss?):/.test(target)).map(target => {
    const [file, anchor = ''] = target.split('#')
    const path = file === '' ? page.path : posix.join(posix.dirname(page.path), file).replace(/\/$/, '')
    return { page: page.path, target, path, anchor }
  })
}

function isThere ({ path, anchor }: Link): boolean {
  if (!paths.has(path) && !folders.has(path)) return false
  return anchor === '' || (anchors.get(path)?.has(anchor) ?? false)
}

function anchorsOf (page: Page): string[] {
  const seen = new Map<string, number>()
  return [...proseOf(page).matchAll(/^#{1,6} (.*)$/gm)].map(([, title]) => {
    const slug = title.toLowerCase().replace(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-')
    const before = seen.get(slug) ?? 0
    seen.set(slug, before + 1)
    return before === 0 ? slug : `${slug}-${before}`
  })
}

/** What a page has in backticks, and its shell blocks. */
function codeOf (page: Page): string[] {
  const shell = blocksOf(page).filter(({ language }) => /^(sh|console)$/.test(language)).map(({ code }) => code)
  return [...shell, ...[...proseOf(page).matchAll(/`([^`]+)`/g)].map(([, code]) => code)]
}

/** The arguments of each `fastify-peer-server` in shell commands, up to a comment, a pipe or the like. */
function commandLinesIn (code: string): string[][] {
  return [...code.matchAll(/(?:^|[\s(])fastify-peer-server ((?:'[^']*'|[^#|<>)\n&;'])+)/gm)]
    .map(([, line]) => line.match(/'[^']*'|[^\s']+/g) ?? [])
    .filter(([command = '']) => /^[a-z]+$/.test(command))
}

/** Words that look like a path of this project: a file with a folder, a folder, or a test. */
function namedPaths (page: Page): string[] {
  const words = codeOf(page).flatMap(code => code.split(/[\s'"=()]+/)).map(word => word.replace(/[.,:;]+$/, ''))
  const looksLike = /^(\.\/)?([\w@-][\w.@*-]*\/)+[\w.*-]+\.(ts|mjs|js|gd|json|md|svg|yml|yaml|conf|service|c)$|\.test\.ts$/
  return words.filter(word => (looksLike.test(word) || isFolder(word)) && !/^(\.\/)?(dist|node_modules)\//.test(word))
}

/** `src/` or `test/soak/`, not `/ws/` or `text/html`. */
function isFolder (word: string): boolean {
  return /^([\w-]+\/)+$/.test(word) && folders.has(word.split('/')[0])
}

function isPath (path: string, page: string): boolean {
  if (folders.has(path.replace(/\/$/, ''))) return true
  const name = path.replace(/^\.\//, '').replace(/\/$/, '')
  const places = ['', 'src/', 'src/core/', 'test/', `${posix.dirname(page)}/`]
  const pattern = new RegExp(`(^|/)${name.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}$`)
  if (name.includes('*') || !name.includes('/')) return [...paths].some(path => pattern.test(path))
  return places.some(place => paths.has(posix.join(place, name)) || folders.has(posix.join(place, name)))
}

function foldersOf (path: string): string[] {
  const folder = posix.dirname(path)
  return folder === '.' ? [] : [folder, ...foldersOf(folder)]
}

/** Whether a path is that of a route, with or without its prefix, with values or names for parameters. */
function matches (route: string, path: string): boolean {
  const pattern = route.replace(/\{\w+\}/g, '[^/]+').replaceAll('.', '\\.')
  return new RegExp(`^(${pattern}|${pattern.replace(/^\/(api\/v1|lobby)/, '')})$`).test(path)
}
