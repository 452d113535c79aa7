import { setTimeout as delay } from 'node:timers/promises'
import { Client, endpointOf } from './client.ts'
import type { Job } from './job.ts'

const AT_ONCE = 64
/** Milliseconds for what is still under way, where clients are told about each other and where they are not. */
const SETTLING = { told: 300, untold: 50 }

/** `count` clients that are all in. */
export async function join (job: Job, count: number): Promise<Client[]> {
  const door = endpointOf(job)
  const clients: Client[] = []
  let joined = 0
  await new Promise<void>(resolve => {
    const next = (): void => { if (clients.length < count) clients.push(new Client(door, clients.length, onJoined)) }
    const onJoined = (): void => {
      joined++
      if (joined === count) resolve()
      next()
    }
    for (let i = 0; i < AT_ONCE; i++) next()
  })
  await delay(SETTLING[job.wire.startsWith('multiplayer') ? 'told' : 'untold'])
  for (const { socket } of clients) socket.once('close', () => { throw new Error('the server cut a connection') })
  return clients
}
