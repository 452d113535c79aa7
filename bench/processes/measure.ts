import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Figures, Job } from '../load/job.ts'
import type { Peer } from '../peers.ts'
import { core, pinToCore } from './pin-to-core.ts'
import { errorMessageIn } from '../error-message.ts'
import type { Scenario } from '../scenarios.ts'
import { startServer } from './server.ts'

/** Duration of the warm-up and of the measurement in seconds. */
export interface Timing { readonly warm: number, readonly seconds: number }

/** Milliseconds that a generator may take in addition, mostly to connect idle peers. */
const TIMEOUT = 180_000

/**
 * One measurement with a new server process and a new generator process. Servers slow down with age, and processes of
 * the same program differ, so the spread includes both effects.
 */
export async function measure (peer: Peer, scenario: Scenario, timing: Timing): Promise<Figures> {
  const { mode, options, secure = false, load, subject } = scenario
  const collects = subject === 'memory' && peer.runtime === 'node'
  const server = await startServer(peer, { mode, options, collects, secure })
  try {
    const { port, pid } = server
    return await generate({ ...load, ...timing, port, pid, secure, wire: peer.wires[mode], path: peer.path, collects })
  } finally {
    await server.stop()
  }
}

/** Runs the generator. */
export async function generate (job: Job): Promise<Figures> {
  const command = [process.execPath, `${import.meta.dirname}/../load/main.js`, JSON.stringify(job)]
  const timeout = (job.warm + job.seconds) * 1000 + TIMEOUT
  const { stdout } = await promisify(execFile)(...pinToCore(core.generator, command), { timeout })
    .catch(({ killed, stderr, message }) => {
      throw new Error(killed ? 'timed out' : errorMessageIn(stderr || message))
    })
  return JSON.parse(stdout)
}
