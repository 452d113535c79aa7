import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import { root } from '../../../scripts/root.ts'
import { shortRun } from '../../../scripts/test/short-run.mjs'
import { until } from '../until.ts'
import { withTimeout } from '../with-timeout.ts'

/** The service as a child process. */
export interface Service {
  port: number
  /** All log lines so far. */
  log: string[]
  /** Resolves with the first line that matches, as soon as it is logged. */
  logged (pattern: RegExp | string): Promise<string>
  /** Sends a request to the REST API below /api/v1. */
  api (path: string, init?: RequestInit): Promise<Response>
  /** Sends a signal and resolves with the exit code. */
  stop (signal?: NodeJS.Signals): Promise<number | null>
}

const main = join(root, 'dist/service.js')

interface HowToStart {
  /** The service; default: the one of this project. */
  file?: string
  /** Executable of Node; default: the one of the test. */
  node?: string
  /** `ulimit -n`. */
  maxDescriptors?: number
}

/** Starts the service on a free port and waits until it listens; the test ends it. */
export async function startService (
  t: Test, env: Record<string, string> = {}, { file = main, node = process.execPath, maxDescriptors }: HowToStart = {}
): Promise<Service> {
  const limit = maxDescriptors === undefined ? '' : `ulimit -n ${maxDescriptors} && `
  const flags = node === process.execPath ? shortRun : []
  return await startCommand(t, [`${limit}exec "$0" "$@"`, node, ...flags, file], env)
}

/** Starts the service by a shell command, given as the arguments behind `sh -c`; `seconds` for one that takes long. */
export async function startCommand (
  t: Test, command: readonly string[], env: Record<string, string>, cwd = root, seconds?: number
): Promise<Service> {
  const process = spawn('/bin/sh', ['-c', ...command], {
    cwd,
    env: { ...globalThis.process.env, PORT: '0', ...env },
    // A group of its own, so that nothing the command started outlives the test.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const exited = once(process, 'exit')
  t.teardown(async () => {
    try { globalThis.process.kill(-process.pid!, 'SIGKILL') } catch { /* All have ended by themselves. */ }
    await exited
  })
  const log: string[] = []
  const listening = new Promise<number>((resolve, reject) => {
    const read = (line: string) => {
      log.push(line)
      const found = /listening at https?:\/\/[^"]*:(\d+)/.exec(line)
      if (found) resolve(Number(found[1]))
    }
    createInterface({ input: process.stdout }).on('line', read)
    createInterface({ input: process.stderr }).on('line', read)
    exited.then(([code]) => reject(new Error(`the service exited with ${code}:\n${log.join('\n')}`)))
  })
  const port = await withTimeout(() => `the service to listen:\n${log.join('\n')}`, listening, seconds)
  return {
    port,
    log,
    logged: async pattern => {
      const find = (): string | undefined =>
        log.find(line => typeof pattern === 'string' ? line.includes(pattern) : pattern.test(line))
      await until(() => find() !== undefined, () => `${String(pattern)} in\n${log.slice(-20).join('\n')}`)
      return find()!
    },
    api: (path, init) => fetch(`http://127.0.0.1:${port}/api/v1${path}`, init),
    stop: async (signal = 'SIGTERM') => {
      process.kill(signal)
      const [code] = await withTimeout(() => `the service to exit:\n${log.join('\n')}`, exited)
      return code
    }
  }
}
