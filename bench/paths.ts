import { join } from 'node:path'
import { root } from '../scripts/root.ts'

/** The folder of the bench, and that of the project. */
export const bench = join(root, 'bench')
export const project = root
