import { GodotError } from '../../../error.ts'

const ROOT = '/root'

/**
 * A path as it is sent, relative to the root: `/root/Main/Pawn` is `Main/Pawn`, the root itself is `.`; others stay.
 */
export function fromRoot (path: string): string {
  if (path === ROOT) return '.'
  return path.startsWith(ROOT + '/') ? path.slice(ROOT.length + 1) : path
}

/** The same for a path given by the application; ERR_INVALID_PARAMETER unless it can be the path of a node. */
export function checkedPath (path: string): string {
  const relative = fromRoot(path)
  const isNode = relative === '.' || relative.split('/').every(name => name !== '' && name !== '.' && name !== '..')
  if (isNode && !/[:\0]/.test(relative)) return relative
  throw new GodotError(
    'ERR_INVALID_PARAMETER',
    `invalid node path ${JSON.stringify(path)}: expected e.g. /root/Main/Pawn`
  )
}

/** A path that is absolute, or relative to the node at `base`, as `checkedPath` returns it. */
export function relativePath (path: string, base: string): string {
  if (path.startsWith('/')) return checkedPath(path)
  const names = base === '.' ? [] : base.split('/')
  for (const name of path.split('/')) {
    if (name === '..') names.pop()
    else if (name !== '.') names.push(name)
  }
  return names.length === 0 ? '.' : checkedPath(names.join('/'))
}

/** Maximum characters of a name. Godot has no limit, but V8 hashes very long paths by their length alone. */
export const MAX_NAME = 1024

/** Whether a node can have this name, by Godot's rule. */
export function isNodeName (name: string): boolean {
  return typeof name === 'string' && name !== '' && name.length <= MAX_NAME && !/[.:@/"%\0]/.test(name)
}

/** The path of a node by its name and that of its parent; both relative to the root. */
export function childPath (parent: string, name: string): string {
  return parent === '.' ? name : `${parent}/${name}`
}

/** Whether `path` is a node below `ancestor`; both relative to the root. */
export function isBelow (path: string, ancestor: string): boolean {
  return ancestor === '.' ? path !== '.' : path.startsWith(`${ancestor}/`)
}
