import { setTimeout as delay } from 'node:timers/promises'
import { Client, endpointOf } from './client.ts'
import type { Job } from './job.ts'
import { wires } from './wire.ts'
import type { Wire } from './wire.ts'

const CONCURRENCY = 64
/** Milliseconds to wait for messages in flight, for wires that announce clients to each other and for others. */
const SETTLE_TIME = { announcing: 300, other: 50 }

/** The room of the client with this index; undefined is the one of the path alone. */
type RoomOf = (index: number) => string | undefined

/** Connects `count` clients and waits until all have joined. */
export async function join (job: Job, count: number, roomOf: RoomOf = () => undefined): Promise<Client[]> {
  const clients: Client[] = []
  let started = 0
  const joinNext = async (): Promise<void> => {
    while (started < count) {
      const index = started++
      clients[index] = await joinOne(job, index, roomOf(index))
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, joinNext))
  await delay(SETTLE_TIME[job.wire.startsWith('multiplayer') ? 'announcing' : 'other'])
  for (const { socket } of clients) socket.once('close', () => { throw new Error('the server closed a connection') })
  return clients
}

async function joinOne (job: Job, index: number, room: string | undefined): Promise<Client> {
  const { reserve = reserveNothing }: Wire = wires[job.wire]
  const endpoint = endpointOf(job, room === undefined ? job.path : await reserve(job, room))
  return await new Promise(resolve => new Client(endpoint, index, resolve))
}

async function reserveNothing ({ path }: Job, room: string): Promise<string> {
  return `${path}?room=${room}`
}
