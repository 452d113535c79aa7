import { resolve } from 'node:path'

// This file runs compiled, as bench/dist/bench/paths.js.
/** The folder of the bench, and that of the project. */
export const bench = resolve(import.meta.dirname, '../..')
export const project = resolve(bench, '..')
