import { once } from 'node:events'
import { Client } from './client.ts'
import type { Figures, Job } from './job.ts'
import { Message } from './message.ts'
import { Meter, now } from './meter.ts'
import { wires } from './wire.ts'

/** Connect, upgrade, one echo, close, and again; `connections` side by side. */
export async function handshakes (job: Job): Promise<Figures> {
  const meter = new Meter()
  for (let index = 0; index < job.connections; index++) repeat(job, index, meter)
  return await meter.measure(job)
}

async function repeat (job: Job, index: number, meter: Meter): Promise<void> {
  for (;;) {
    const start = now()
    let isEchoed = false
    const client = new Client(job, index, () => {
      askOnce(client, job, () => {
        isEchoed = true
        meter.messages++
        meter.latency.add(now() - start, 1)
        client.close()
      })
    })
    await once(client.socket, 'close')
    if (!isEchoed) meter.faults++
  }
}

/** Sends one message, and calls back when that many bytes are back. */
export function askOnce (client: Client, { wire, size }: Job, onAnswer: () => void): void {
  const { sent, received } = new Message(wires[wire], client.id, client.index, size)
  let missing = received.length
  client.reader = (_, length) => {
    missing -= length
    if (missing === 0) onAnswer()
  }
  client.write(sent)
}
