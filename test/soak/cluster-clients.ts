import type { Client } from '../../bench/load/client.ts'
import { join } from '../../bench/load/clients.ts'
import type { Job } from '../../bench/load/job.ts'

/** Connects clients to the nodes in turn, `roomSize` to each room, and waits until they have heard of each other. */
export async function joinRooms (
  nodes: ReadonlyArray<{ readonly port: number }>, path: string, rooms: number, roomSize: number
): Promise<Client[]> {
  const cluster = { nodes: nodes.map(({ port }) => ({ port, pid: 0 })), broker: 0, layout: 'spanning' } as const
  const job: Job = {
    kind: 'rooms',
    port: 0,
    pid: 0,
    wire: 'multiplayer',
    path,
    connections: roomSize,
    window: 0,
    size: 0,
    warm: 0,
    seconds: 0,
    cluster
  }
  return await join(job, rooms * roomSize, index => `room-${Math.floor(index / roomSize)}`)
}
