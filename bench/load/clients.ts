import { setTimeout as delay } from 'node:timers/promises'
import { Client, endpointOf } from './client.ts'
import type { Job } from './job.ts'
import { wires } from './wire.ts'
import type { Wire } from './wire.ts'

const CONCURRENCY = 64
/** Milliseconds that the members of a cluster's rooms may take to hear of each other. */
const ANNOUNCE_TIMEOUT = 20_000
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
  if (job.cluster !== undefined) await untilAnnounced(clients, job)
  for (const { socket } of clients) socket.once('close', () => { throw new Error('the server closed a connection') })
  return clients
}

async function joinOne (job: Job, index: number, room: string | undefined): Promise<Client> {
  const { reserve = reserveNothing }: Wire = wires[job.wire]
  const own = { ...job, port: portOf(job, index) }
  const endpoint = endpointOf(own, room === undefined ? job.path : await reserve(own, room))
  return await new Promise(resolve => new Client(endpoint, index, resolve))
}

/** The port of the client with this index. */
function portOf ({ port, cluster, connections: roomSize }: Job, index: number): number {
  if (cluster === undefined) return port
  const { nodes, layout } = cluster
  return nodes[(layout === 'affine' ? Math.floor(index / roomSize) : index) % nodes.length].port
}

/** Waits until the members of each room have heard of all others, on whichever nodes, and of the server. */
async function untilAnnounced (clients: readonly Client[], { wire, connections: roomSize }: Job): Promise<void> {
  const { isAnnouncement }: Wire = wires[wire]
  if (isAnnouncement === undefined) return
  const deadline = performance.now() + ANNOUNCE_TIMEOUT
  while (clients.some(({ announced }) => announced < roomSize)) {
    if (performance.now() > deadline) throw new Error('some members of a room have not heard of all others')
    await delay(20)
  }
}

async function reserveNothing ({ path }: Job, room: string): Promise<string> {
  return `${path}?room=${room}`
}
