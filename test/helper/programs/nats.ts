import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { findProgram, installCommand, programs } from '../../../scripts/test/test-programs.mjs'
import type { Bus } from '../../../src/cluster/bus/bus.ts'
import { connectNats } from '../../../src/cluster/bus/nats-bus.ts'
import type { ClusterTransport } from '../../../src/cluster/cluster-core.ts'
import type { Timings } from '../../../src/cluster/membership/timings.ts'
import { freePort } from '../free-port.ts'
import { silentLogger } from '../silent-logger.ts'
import { withTimeout } from '../with-timeout.ts'

/** A real nats-server with a folder of its own. */
export class NatsServer {
  /** 0 before the start. */
  port = 0
  readonly #folder: string
  readonly #args: readonly string[]
  #process: ChildProcess | undefined

  constructor (folder: string, args: readonly string[]) {
    this.#folder = folder
    this.#args = args
  }

  get url (): string {
    return `nats://127.0.0.1:${this.port}`
  }

  /** Resolves when it accepts clients; the port stays the same over restarts. */
  async start (): Promise<void> {
    const program = findProgram('nats-server')
    if (program === undefined) {
      const rows = programs.filter(({ command }) => command === 'nats-server')
      throw new Error(`nats-server is not installed: ${installCommand(...rows)}`)
    }
    this.port ||= await freePort()
    const args = ['-a', '127.0.0.1', '-p', String(this.port), '-sd', this.#folder, ...this.#args]
    const server = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#process = server
    let log = ''
    const ready = new Promise<void>((resolve, reject) => {
      server.stderr.setEncoding('utf8').on('data', (chunk: string) => {
        log += chunk
        if (log.includes('Server is ready')) resolve()
      })
      server.once('exit', () => {
        reject(new Error(`nats-server has ended: ${log}`))
        if (this.#process === server) console.error(`nats-server has crashed: ${log}`)
      })
    })
    await withTimeout(() => `nats-server: ${log}`, ready)
  }

  signal (signal: NodeJS.Signals): void {
    this.#process?.kill(signal)
  }

  /** Kills it, as a crash does. */
  async kill (): Promise<void> {
    const server = this.#process
    this.#process = undefined
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    const exited = once(server, 'exit')
    server.kill('SIGKILL')
    await exited
  }

  /** Forgets all stores; only while it does not run. */
  async forget (): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }

  async close (): Promise<void> {
    await this.kill()
    await this.forget()
  }
}

/** How a node connects to a real broker; each connection is added to `buses`. */
export function natsTransport (servers: string, timings: Timings, buses: Bus[]): ClusterTransport {
  return {
    timings,
    connect: async () => {
      const bus = await connectNats({ servers }, silentLogger)
      buses.push(bus)
      return bus
    }
  }
}

/** Starts a nats-server that ends with the test; without arguments it has JetStream on. */
export async function startNats (t: Test, args: readonly string[] = ['-js']): Promise<NatsServer> {
  const server = new NatsServer(await mkdtemp(join(tmpdir(), 'nats-')), args)
  t.teardown(() => server.close())
  await server.start()
  return server
}
