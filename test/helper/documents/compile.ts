import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Test } from 'tap'
import { compilerCommand } from '../../../scripts/compile.mjs'
import { root } from '../../../scripts/root.ts'
import { temporaryFolder } from '../temporary-folder.ts'

/** An error of the compiler: where it is in the text of its file, from 0, and its lines. */
export interface TypeError {
  readonly file: string
  readonly start: number
  readonly code: number
  readonly message: string[]
}

const compilerOptions = {
  module: 'nodenext',
  target: 'es2023',
  types: ['node'],
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  allowImportingTsExtensions: true
}

/**
 * What the compiler says about files, in their order. They are written to a folder of `dist/`, where `../../` is this
 * project, and its name the compiled package.
 */
export async function typeErrors (t: Test, files: Readonly<Record<string, string>>): Promise<TypeError[]> {
  const folder = temporaryFolder(t, files, join(root, 'dist'))
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: Object.keys(files) }))
  const output = await new Promise<string>(resolve => {
    const args = compilerCommand('--pretty', 'false', '-p', folder)
    execFile(process.execPath, args, { cwd: root }, (_error, stdout, stderr) => { resolve(stdout + stderr) })
  })
  const errors = output.split(/\n(?! )/).filter(text => text !== '').map(text => parseError(text, files))
  const names = Object.keys(files)
  return errors.sort((a, b) => names.indexOf(a.file) - names.indexOf(b.file) || a.start - b.start)
}

function parseError (text: string, files: Readonly<Record<string, string>>): TypeError {
  const found = /^(.+)\((\d+),(\d+)\): error TS(\d+): ([^]*)$/.exec(text)
  if (found === null) throw new Error(text)
  const [, path, line, column, code, message] = found
  const file = basename(path)
  if (files[file] === undefined) throw new Error(text)
  const before = files[file].split('\n').slice(0, Number(line) - 1)
  const start = before.reduce((sum, { length }) => sum + length + 1, 0) + Number(column) - 1
  return { file, start, code: Number(code), message: message.split('\n') }
}
