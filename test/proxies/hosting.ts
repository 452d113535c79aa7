import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../scripts/root.ts'

/**
 * The text of a file of hosting/ with these changes, which a test needs because of its ports and paths.
 *
 * @throws if the file does not contain what is to be changed
 */
export function hosting (file: string, changes: Readonly<Record<string, string>> = {}): string {
  const path = join('hosting', file)
  return Object.entries(changes).reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`${path} does not contain ${from}`)
    return text.replaceAll(from, () => to)
  }, readFileSync(join(root, path), 'utf8'))
}
