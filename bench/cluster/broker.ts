import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { core, pinToCore } from '../processes/pin-to-core.ts'
import { findProgram } from '../../scripts/test/test-programs.mjs'
import { freePort } from '../../test/helper/free-port.ts'
import { stop, untilReady } from '../processes/server.ts'

/** What connects the nodes of a cluster. */
interface BrokerKind {
  readonly command: (port: number, folder: string) => string[]
  /** What it prints once it accepts connections. */
  readonly ready: string
  readonly scheme: string
}

/** One row per broker; both are programs of Debian. Redis does not write to disk. */
export const brokers = {
  nats: {
    command: (port, folder) => ['nats-server', '-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder],
    ready: 'Server is ready',
    scheme: 'nats'
  },
  redis: {
    command: (port, folder) => [
      'redis-server', '--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', '', '--appendonly', 'no'
    ],
    ready: 'Ready to accept connections',
    scheme: 'redis'
  }
} satisfies Record<string, BrokerKind>

export type BrokerName = keyof typeof brokers

/** A running broker. */
export interface Broker {
  readonly url: string
  readonly pid: number
  stop (): Promise<void>
}

/** Starts a broker on the core of the servers; throws an error with its output if it does not become ready. */
export async function startBroker (name: BrokerName): Promise<Broker> {
  const { command, ready, scheme } = brokers[name]
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'bench-broker-'))
  const [program, ...options] = command(port, folder)
  const [file, args] = pinToCore(core.server, [findProgram(program) ?? program, ...options])
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const broker = {
    url: `${scheme}://127.0.0.1:${port}`,
    pid: child.pid!,
    stop: async () => {
      await stop(child)
      await rm(folder, { recursive: true, force: true })
    }
  }
  try {
    await untilReady(child, ready)
  } catch (error) {
    await broker.stop()
    throw error
  }
  return broker
}
