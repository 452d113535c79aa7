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

const CONCURRENCY = 64
/** Garbage collections before memory is read. */
const COLLECTIONS = 3
/** Milliseconds between garbage collections. */
const PAUSE = 500

/** Measures the memory of `idle` clients after one echo each, then the echoes of `connections` additional clients. */
export async function idle (job: Job): Promise<Figures> {
  const before = await collectedKib(job)
  const clients = await join(job, job.idle!)
  for (let first = 0; first < clients.length; first += CONCURRENCY) {
    await echoAll(clients.slice(first, first + CONCURRENCY), job)
  }
  const memoryEach = (await collectedKib(job) - before) / clients.length

  const meter = new Meter()
  for (const client of await join(job, job.connections)) startEcho(client, job, meter)
  return { ...await meter.measure(job), memoryEach }
}

/** Each client sends one message and waits for its echo. */
async function echoAll (clients: Client[], job: Job): Promise<void> {
  await Promise.all(clients.map(async client => {
    const message = new Message(wires[job.wire], client.id, client.index, job.size)
    await new Promise<void>(resolve => { echoOnce(client, message, resolve) })
  }))
}

/** Memory of the server in KiB after garbage collections. */
export async function collectedKib ({ pid, collects }: Job): Promise<number> {
  for (let i = 0; i < COLLECTIONS; i++) {
    if (collects) process.kill(pid, 'SIGUSR2')
    await delay(PAUSE)
  }
  return residentKib(pid)
}
