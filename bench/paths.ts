import { join } from 'node:path'
import { root } from '../scripts/root.ts'

/** The folders of the benchmarks and of the project. */
export const bench = join(root, 'bench')
export const project = root
