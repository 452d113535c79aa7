import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { root } from '../scripts/root.ts'

interface Package { dependencies?: Record<string, string>, peerDependencies?: Record<string, string> }

const page = readFileSync(join(root, 'docs/dependencies.md'), 'utf8')
const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as
  { packages: Record<string, Package> }

t.test('docs/dependencies.md says why each dependency is there', async t => {
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as
    Required<Package>
  const named = [...page.matchAll(/^\| `([^`]+)` \| [^|]+ \| [^|]+ \|$/gm)].map(([, name]) => name)
  t.same(named.sort(), Object.keys({ ...dependencies, ...peerDependencies }).filter(name => name !== 'fastify').sort())
})

t.test('the sizes in docs/dependencies.md are those of an installation', async t => {
  const fastify = closureOf('node_modules/fastify')
  const direct = Object.keys(packages[''].dependencies!)
  const addedBy = (names: readonly string[]): string[] =>
    [...new Set(names.flatMap(name => [...closureOf(`node_modules/${name}`)]))].filter(path => !fastify.has(path))
  const actual = {
    'Fastify, which the host has anyway': [...fastify],
    'what this package adds': addedBy(direct),
    'of which Swagger UI': addedBy(['@fastify/swagger-ui']),
    'of which Prometheus': addedBy(['prom-client'])
  }
  for (const [what, paths] of Object.entries(actual)) {
    const [, count, size] = new RegExp(`^\\| ${what}[^|]*\\| (\\d+) \\| ([\\d.]+) \\|$`, 'm').exec(page)!
    const megabytes = paths.reduce((sum, path) => sum + sizeOf(join(root, path)), 0) / 1e6
    const tolerance = Math.max(0.5, megabytes * 0.1)
    t.ok(Math.abs(Number(size) - megabytes) <= tolerance, `${what}: ${size} MB, actually ${megabytes.toFixed(1)}`)
    t.ok(Math.abs(Number(count) - paths.length) <= 3, `${what}: ${count} packages, actually ${paths.length}`)
  }
})

for (const folder of ['', 'bench', 'test/clients', 'test/hosts']) {
  t.test(`every package in ${join(folder, 'package-lock.json')} has its hash`, async t => {
    const { packages } = JSON.parse(readFileSync(join(root, folder, 'package-lock.json'), 'utf8')) as
      { packages: Record<string, { integrity?: string }> }
    const installed = Object.entries(packages).filter(([path]) => path !== '')
    t.ok(installed.length > 10)
    t.same(installed.filter(([, { integrity }]) => integrity === undefined).map(([path]) => path), [])
  })
}

/** The folders of a package and of everything that it depends on. */
function closureOf (path: string, seen = new Set<string>()): Set<string> {
  if (seen.has(path)) return seen
  seen.add(path)
  for (const name of Object.keys(packages[path].dependencies ?? {})) closureOf(resolve(path, name), seen)
  return seen
}

/** The folder of a dependency, as Node finds it from the folder of a package. */
function resolve (from: string, name: string): string {
  const nested = `${from}/node_modules/${name}`
  if (nested in packages || from === '') return nested.replace(/^\//, '')
  return resolve(from.includes('/node_modules/') ? from.slice(0, from.lastIndexOf('/node_modules/')) : '', name)
}

/** Bytes of the files in a folder, without packages in it. */
function sizeOf (folder: string): number {
  if (!existsSync(folder)) return 0
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' ? sum : sum + sizeOf(path)
    return sum + statSync(path).size
  }, 0)
}
