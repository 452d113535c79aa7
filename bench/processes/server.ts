import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { freePort } from '../../test/helper/free-port.ts'
import type { Peer, Task } from '../peers.ts'
import { core, pinToCore } from './pin-to-core.ts'
import { errorMessageIn } from '../error-message.ts'

/** Milliseconds that a process may take to become ready beside others on a busy machine. */
const START_TIMEOUT = 60_000
const STOP_TIMEOUT = 2000

/** Godot prints errors for other locales, and writes files to its home folder. */
const env = { ...process.env, LANG: 'en_US.UTF-8', HOME: tmpdir() }

/** A running server process. */
export interface Server {
  readonly port: number
  readonly pid: number
  stop (): Promise<void>
}

/** Starts a server process on its core; throws an error with its output if it does not become ready. */
export async function startServer (peer: Peer, task: Omit<Task, 'port'>): Promise<Server> {
  const port = await freePort()
  const [file, args] = pinToCore(core.server, peer.command({ ...task, port }))
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env })
  const server = { port, pid: child.pid!, stop: async () => { await stop(child) } }
  try {
    await untilReady(child)
  } catch (error) {
    await server.stop()
    throw error
  }
  return server
}

/** Resolves when a process prints `word`; rejects with its output if it ends or takes too long. */
export async function untilReady (child: ChildProcess, word = 'READY'): Promise<void> {
  let output = ''
  let isLate = false
  const timer = setTimeout(() => { isLate = child.kill('SIGKILL') }, START_TIMEOUT)
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString()
      if (output.includes(word)) resolve()
    }
    child.stdout!.on('data', read)
    child.stderr!.on('data', read)
    child.on('error', reject)
    child.on('close', () => {
      reject(new Error(isLate ? `not ready after ${START_TIMEOUT / 1000} s: ${output}` : errorMessageIn(output)))
    })
  }).finally(() => { clearTimeout(timer) })
}

/** Ends a process. */
export async function stop (child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => { child.kill('SIGKILL') }, STOP_TIMEOUT)
  await exited
  clearTimeout(timer)
}
