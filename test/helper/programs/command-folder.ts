import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { root } from '../../../scripts/root.ts'
import { temporaryFolder } from '../temporary-folder.ts'

/** A folder with the command `fastify-peer-server`, for PATH. */
export function commandFolder (t: Test): string {
  const folder = temporaryFolder(t, {
    'fastify-peer-server': `#!/bin/sh\nexec ${process.execPath} ${join(root, 'dist/cli.js')} "$@"\n`
  })
  chmodSync(join(folder, 'fastify-peer-server'), 0o755)
  return folder
}
