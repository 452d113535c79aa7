import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

/** A new folder in `parent` with these files, removed after the test. */
export function temporaryFolder (
  t: Test, files: Readonly<Record<string, string>> = {}, parent: string = tmpdir()
): string {
  const folder = mkdtempSync(join(parent, 'test-'))
  // A program that has just been asked to end may still write to it.
  t.teardown(() => { rmSync(folder, { recursive: true, force: true, maxRetries: 10 }) })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}
