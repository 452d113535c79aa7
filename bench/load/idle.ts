import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from './client.ts'
import { join } from './clients.ts'
import { startEcho } from './echo.ts'
import { echoOnce } from './handshakes.ts'
import type { Figures, Job } from './job.ts'
import { Message } from './message.ts'
import { Meter } from './meter.ts'
import { residentKib } from './process-usage.ts'
import { wires } from './wire.ts'

const AT_ONCE = 64
/** Garbage collections asked for before memory is read, and milliseconds between them. */
const COLLECTIONS = 3
const PAUSE = 500

/** Memory of `idle` clients that have each talked once, then an echo by `connections` others among them. */
export async function idle (job: Job): Promise<Figures> {
  const before = await settledKib(job)
  const clients = await join(job, job.idle!)
  for (let first = 0; first < clients.length; first += AT_ONCE) await talk(clients.slice(first, first + AT_ONCE), job)
  const memoryEach = (await settledKib(job) - before) / clients.length

  const meter = new Meter()
  for (const client of await join(job, job.connections)) startEcho(client, job, meter)
  return { ...await meter.measure(job), memoryEach }
}

/** Each says one thing and hears it back. */
async function talk (clients: Client[], job: Job): Promise<void> {
  await Promise.all(clients.map(async client => {
    const message = new Message(wires[job.wire], client.id, client.index, job.size)
    await new Promise<void>(resolve => { echoOnce(client, message, resolve) })
  }))
}

/** KiB that are left after garbage collections. */
async function settledKib ({ pid, collects }: Job): Promise<number> {
  for (let i = 0; i < COLLECTIONS; i++) {
    if (collects) process.kill(pid, 'SIGUSR2')
    await delay(PAUSE)
  }
  return residentKib(pid)
}
