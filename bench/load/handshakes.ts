import { Client, endpointOf } from './client.ts'
import type { Figures, Job } from './job.ts'
import { Message } from './message.ts'
import { Meter, now } from './meter.ts'

/** Repeats connect, upgrade, one echo, close; `connections` concurrently. */
export async function handshakes (job: Job): Promise<Figures> {
  const meter = new Meter()
  for (let index = 0; index < job.connections; index++) repeat(job, index, meter)
  return await meter.measure(job)
}

async function repeat (job: Job, index: number, meter: Meter): Promise<void> {
  const endpoint = endpointOf(job, job.path)
  const message = new Message(endpoint.wire, 0, index, job.size)
  for (;;) {
    const start = now()
    let isEchoed = false
    const client = new Client(endpoint, index, client => {
      echoOnce(client, message, () => {
        isEchoed = true
        meter.messages++
        meter.latency.add(now() - start, 1)
        client.close()
      })
    })
    await new Promise(resolve => client.socket.once('close', resolve))
    if (!isEchoed) meter.faults++
  }
}

/** Sends one message and calls `onEcho` when as many bytes have arrived. */
export function echoOnce (client: Client, { sent, received }: Message, onEcho: () => void): void {
  let missing = received.length
  client.reader = (_, length) => {
    missing -= length
    if (missing === 0) onEcho()
  }
  client.write(sent)
}
