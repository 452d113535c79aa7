/** What every server here needs: where to listen and what to do, and how it ends. */

/** Sends a message back to its sender, or to all others. */
export type Mode = 'echo' | 'relay'

export const port = Number(process.argv[2])
export const mode = process.argv[3] as Mode
export const host = '127.0.0.1'
export const backlog = 4096

/** Tells the bench that clients may come. */
export function ready (): void {
  process.stdout.write('READY\n')
}

process.on('SIGTERM', () => { process.exit() })
// Started with --expose-gc where memory is read.
process.on('SIGUSR2', () => { globalThis.gc?.() })
