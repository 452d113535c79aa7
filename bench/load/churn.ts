import { Client, endpointOf } from './client.ts'
import { join } from './clients.ts'
import type { Figures, Job } from './job.ts'
import { Meter, now } from './meter.ts'

/** Clients join a room of `idle` members and leave it again; `connections` concurrently. */
export async function churn (job: Job): Promise<Figures> {
  const meter = new Meter()
  for (const member of await join(job, job.idle!)) member.reader = () => {}
  for (let index = 0; index < job.connections; index++) repeat(job, job.idle! + index, meter)
  return await meter.measure(job)
}

async function repeat (job: Job, index: number, meter: Meter): Promise<void> {
  const endpoint = endpointOf(job, job.path)
  for (;;) {
    const start = now()
    let hasJoined = false
    const client = new Client(endpoint, index, client => {
      hasJoined = true
      meter.messages++
      meter.latency.add(now() - start, 1)
      client.reader = () => {}
      client.close()
    })
    await new Promise(resolve => client.socket.once('close', resolve))
    if (!hasJoined) meter.faults++
  }
}
