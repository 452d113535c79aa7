// Installs a sixth of the packages of this project: what the service needs, and the compiler.
import { execSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'

/** What compiles and bundles, and what is bundled. */
const compiler = ['typescript-native', '@types/node', 'esbuild', 'typebox']

/** Whether the packages of `lock`, by default all of the folder's package-lock.json, are in its node_modules. */
export function isInstalled (folder, lock = readLock(folder)) {
  const installed = resolve(folder, 'node_modules/.package-lock.json')
  if (!existsSync(installed)) return false
  const actual = readJson(installed).packages
  return Object.entries(lock.packages).every(([path, { version, optional }]) =>
    path === '' || optional || actual[path]?.version === version)
}

/** Whether node_modules is a symbolic link: `npm ci` would delete the packages of another checkout. */
export function isLinked (folder) {
  return lstatSync(resolve(folder, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink() ?? false
}

/** Installs the packages of the service, in the versions of package-lock.json, unless they are installed. */
export function installLight (root) {
  const lock = lightLock(readLock(root))
  if (isInstalled(root, lock)) return
  if (isLinked(root)) throw new Error(`${root}/node_modules is a symbolic link and does not match package-lock.json`)
  // A project of those packages only, as npm installs either all or no devDependencies.
  const project = resolve(root, 'dist/.light')
  rmSync(project, { recursive: true, force: true })
  mkdirSync(project, { recursive: true })
  writeFileSync(resolve(project, 'package.json'), JSON.stringify(lock.packages['']))
  writeFileSync(resolve(project, 'package-lock.json'), JSON.stringify(lock))
  execSync('npm ci --no-audit --no-fund --prefer-offline', { cwd: project, stdio: 'inherit' })
  rmSync(resolve(root, 'node_modules'), { recursive: true, force: true })
  renameSync(resolve(project, 'node_modules'), resolve(root, 'node_modules'))
  rmSync(project, { recursive: true })
}

/** The part of a lock that the service needs: dependencies, Fastify, the client of NATS, and the compiler. */
function lightLock ({ packages, ...lock }) {
  const { name, dependencies, devDependencies, peerDependencies } = packages['']
  const wanted = { ...dependencies }
  for (const name of [...Object.keys(peerDependencies), ...compiler]) wanted[name] = devDependencies[name]
  const kept = { '': { name, dependencies: wanted } }
  const keep = (from, names) => {
    for (const name of names) {
      const path = find(packages, from, name)
      if (path === undefined || path in kept) continue
      const { dev, ...entry } = packages[path]
      kept[path] = entry
      keep(path, Object.keys({ ...entry.dependencies, ...entry.optionalDependencies, ...entry.peerDependencies }))
    }
  }
  keep('', Object.keys(wanted))
  return { ...lock, name, packages: kept }
}

/** The path of a package as Node finds it from another; undefined if it is not there. */
function find (packages, from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`
    if (path in packages) return path
    if (folder === '') return undefined
  }
}

function readLock (folder) {
  return readJson(resolve(folder, 'package-lock.json'))
}

function readJson (file) {
  return JSON.parse(readFileSync(file, 'utf8'))
}
