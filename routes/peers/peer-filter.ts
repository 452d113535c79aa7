import Type from 'typebox'
import { parseAddressRange } from '../../src/address-range.ts'
import type { WebSocketPeer } from '../../src/core/peer/websocket-peer.ts'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { RoomName } from '../schemas.ts'

/** Filter of peers of one room; without any member, all of them. */
export const RoomFilter = {
  protocol: Type.Optional(Type.String({ description: 'Peers with this sub-protocol' })),
  address: Type.Optional(Type.Refine(Type.String({
    description: 'Peers from this IP address or CIDR range, such as `192.0.2.0/24`'
  }), text => parseAddressRange(text) !== undefined, () => 'must be an IP address or a CIDR range'))
}

/** Filter of peers; without any member, all peers. */
export const Filter = {
  ...RoomFilter,
  room: Type.Optional({ ...RoomName, description: 'Peers in this room' })
}

/** Its values. */
export interface Filter { protocol?: string | undefined, address?: string | undefined, room?: string | undefined }

/** The peers after an id that match the filter, by ascending id. */
export function * filtered (
  server: WebSocketServer,
  { protocol, address, room }: Filter,
  after = 0
): IterableIterator<WebSocketPeer> {
  const range = address === undefined ? undefined : parseAddressRange(address)
  for (const peer of peersOf(server, room, after)) {
    if (protocol !== undefined && peer.protocol !== protocol) continue
    if (range?.has(peer.getConnectedHost()) ?? true) yield peer
  }
}

function peersOf (server: WebSocketServer, room: string | undefined, after: number): Iterable<WebSocketPeer> {
  if (room === undefined) return server.peers(after)
  return server.hasRoom(room) ? server.room(room).peers(after) : []
}
