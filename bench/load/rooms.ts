import { join } from './clients.ts'
import { collectedKib } from './idle.ts'
import type { Figures, Job } from './job.ts'
import { Meter } from './meter.ts'
import { RoomLoad } from './room.ts'

/**
 * Measures the memory of `idle` clients in rooms of `idleRoomSize`, then the deliveries in `rooms` other rooms of
 * `connections` clients each.
 */
export async function rooms (job: Job): Promise<Figures> {
  const { idle = 0, idleRoomSize, rooms: count = 0, connections: size } = job
  const before = await kib(job)
  await join(job, idle, index => idleRoomSize === undefined ? undefined : roomName('idle', index, idleRoomSize))
  const memoryEach = (await kib(job) - before) / idle

  const meter = new Meter()
  const clients = await join(job, count * size, index => roomName('busy', index, size))
  for (let first = 0; first < clients.length; first += size) {
    new RoomLoad(clients.slice(first, first + size), job, meter).start()
  }
  return { ...await meter.measure(job), memoryEach }
}

function roomName (kind: string, index: number, size: number): string {
  return `${kind}-${Math.floor(index / size)}`
}

/** Memory of a server that collects garbage; it takes seconds. */
async function kib (job: Job): Promise<number> {
  return job.collects ? await collectedKib(job) : NaN
}
