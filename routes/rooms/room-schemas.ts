import { problem } from '../../http/problem.ts'
import { MAX_DATA, RoomOptions } from '../../src/core/room/room-options.ts'
import type { RoomFacts } from '../../src/core/server/cluster-link.ts'
import { noSuchRoom } from '../../src/error.ts'
import { Type, type Static } from '../../src/typebox.ts'
import { RoomName } from '../schemas.ts'

const Data = Type.Record(Type.String(), Type.Unknown())

/** Settings of a room in a request. */
export const RoomBody = {
  ...RoomOptions.properties,
  data: roomData(`Data that the lobby shows: at most ${MAX_DATA} bytes of JSON; default {}`)
}

/** Data of a room in a request. */
export function roomData (description: string) {
  return Type.Optional(Type.Refine({ ...Data, description }, fits, () => `must be at most ${MAX_DATA} bytes of JSON`))
}

function fits (data: object): boolean {
  try {
    return Buffer.byteLength(JSON.stringify(data)) <= MAX_DATA
  } catch {
    // Nested too deep for the stack.
    return false
  }
}

/** A room. */
export const RoomEntry = Type.Object({
  name: { ...RoomName, examples: ['arena-7'] },
  openedAt: Type.String({
    format: 'date-time',
    description: 'When it was opened',
    examples: ['2025-01-31T12:00:00.000Z']
  }),
  peers: Type.Integer({ minimum: 0, description: 'Number of its peers, including closing ones', examples: [4] }),
  maxPeers: Type.Integer({ minimum: 0, description: 'Maximum number of peers; 0: no limit', examples: [8] }),
  locked: Type.Boolean({ description: 'Whether new clients are refused' }),
  listed: Type.Boolean({ description: 'Whether the lobby shows it' }),
  emptyTimeout: Type.Number({ minimum: 0, description: 'Seconds that it stays open after its last peer has left' }),
  data: { ...Data, description: 'Data that the lobby shows', examples: [{ map: 'desert' }] },
  node: Type.Optional(Type.String({
    description: 'Id of the node that is its home, in a cluster; missing while it has none'
  }))
}, { $id: 'PeerServer.Room', description: 'The room' })

export type RoomEntry = Static<typeof RoomEntry>

/** A room as `RoomEntry` describes it. */
export function describeRoom (room: RoomFacts): RoomEntry {
  const { name, peerCount: peers, maxPeers, locked, listed, emptyTimeout, data, node } = room
  const openedAt = new Date(room.openedAt).toISOString()
  const home = node === undefined ? {} : { node }
  return { name, openedAt, peers, maxPeers, locked, listed, emptyTimeout, data, ...home }
}

export const noRoom = problem('No such room', noSuchRoom('arena-7'))
