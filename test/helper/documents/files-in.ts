import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'

/** All files in a folder and the folders in it, by their paths relative to it. */
export function filesIn (folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile()).map(({ parentPath, name }) => relative(folder, join(parentPath, name)))
}
