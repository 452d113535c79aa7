import { setTimeout as delay } from 'node:timers/promises'
import { join } from './clients.ts'
import { startEcho } from './echo.ts'
import type { Figures, Job } from './job.ts'
import { Message } from './message.ts'
import { Meter } from './meter.ts'
import { peakKib, residentKib } from './process-usage.ts'
import { wires } from './wire.ts'

/** Milliseconds between checks. */
const POLL = 20

/** Measures by how much echoes increase the memory of the server. All clients share one message, to save memory. */
export async function peak (job: Job): Promise<Figures> {
  const before = residentKib(job.pid)
  const meter = new Meter()
  const message = new Message(wires[job.wire], 0, 0, job.size)
  for (const client of await join(job, job.connections)) startEcho(client, job, meter, message)
  // Until all have been echoed, on a slow machine too.
  while (meter.messages < job.connections) await delay(POLL)
  const figures = await meter.measure({ ...job, warm: 0 })
  return { ...figures, peakMib: (peakKib(job.pid) - before) / 1024 }
}
