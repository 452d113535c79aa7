import { setTimeout as delay } from 'node:timers/promises'
import { Client, endpointOf } from './client.ts'
import type { Job } from './job.ts'

const CONCURRENCY = 64
/** Milliseconds to wait for messages in flight, for wires that announce clients to each other and for others. */
const SETTLE_TIME = { announcing: 300, other: 50 }

/** Connects `count` clients and waits until all have joined. */
export async function join (job: Job, count: number): Promise<Client[]> {
  const endpoint = endpointOf(job)
  const clients: Client[] = []
  let joined = 0
  await new Promise<void>(resolve => {
    const next = (): void => {
      if (clients.length < count) clients.push(new Client(endpoint, clients.length, onJoined))
    }
    const onJoined = (): void => {
      joined++
      if (joined === count) resolve()
      next()
    }
    for (let i = 0; i < CONCURRENCY; i++) next()
  })
  await delay(SETTLE_TIME[job.wire.startsWith('multiplayer') ? 'announcing' : 'other'])
  for (const { socket } of clients) socket.once('close', () => { throw new Error('the server closed a connection') })
  return clients
}
