import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { until } from './until.ts'

/** A new folder in `parent` with these files, removed after the test. */
export function temporaryFolder (
  t: Test, files: Readonly<Record<string, string>> = {}, parent: string = tmpdir()
): string {
  const folder = mkdtempSync(join(parent, 'test-'))
  t.teardown(async () => { await until(() => isRemoved(folder), () => `the removal of ${folder}`) })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

/** Removes a folder, unless a program that has just been asked to end still writes to it. */
function isRemoved (folder: string): boolean {
  try {
    rmSync(folder, { recursive: true, force: true })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error
    return false
  }
}
