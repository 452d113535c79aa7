/** Command line and signals of all benchmark servers. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../scripts/root.ts'

/**
 * Whether messages are sent back to their sender or to all others in its room: those with the same URL. With `announce`
 * members also hear of everyone who joins or leaves, and newcomers of all members.
 */
export type Mode = 'echo' | 'relay' | 'announce'

export const port = Number(process.argv[2])
export const mode = process.argv[3] as Mode
export const host = '127.0.0.1'
export const backlog = 4096

const folder = join(root, 'test/vectors/tls')

/** Files of the private key and the certificate; undefined without TLS. */
export const keyFiles = process.argv[5] === 'tls'
  ? { key: join(folder, 'leaf.key'), cert: join(folder, 'leaf.pem') }
  : undefined
/** Their contents. */
export const keys = keyFiles && {
  key: readFileSync(keyFiles.key, 'utf8'), cert: readFileSync(keyFiles.cert, 'utf8')
}

/** The news that a client has joined or left, and the list of members: ids of four bytes. */
export function idsMessage (ids: Iterable<number>): Buffer {
  return Buffer.from(Int32Array.from(ids).buffer)
}

/** Reports that the server accepts clients. */
export function ready (): void {
  process.stdout.write('READY\n')
}

process.on('SIGTERM', () => { process.exit() })
// gc() exists if the server was started with --expose-gc.
process.on('SIGUSR2', () => { globalThis.gc?.() })
