import type { Room } from '../../src/core/room/room.ts'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { inOrder, pageOf, type Page, type PageQuery, type SortKeys } from '../page.ts'
import { describeRoom, type RoomEntry } from './room-schemas.ts'

type SortName = 'name' | 'peers' | 'openedAt'

/** Sort keys of rooms. */
export const roomKeys: SortKeys<Pick<Room, 'name' | 'peerCount' | 'openedAt'>, SortName> = {
  identity: 'name',
  keys: { name: room => room.name, peers: room => room.peerCount, openedAt: room => room.openedAt }
}

/** Which rooms to list: those that the lobby shows or does not show, those whose name contains a text. */
interface RoomFilter { readonly listed?: boolean, readonly q?: string }

/** One page of the rooms that match the filter. */
export function pageOfRooms (
  server: WebSocketServer, { listed, q, ...query }: PageQuery<SortName> & RoomFilter
): Page<RoomEntry> {
  const rooms = () => matching(server.rooms(), { listed, q })
  const { items, ...page } = pageOf(roomKeys, query, {
    itemsAfter: (by, after) => inOrder(roomKeys, rooms(), by, after),
    count: () => listed === undefined && q === undefined ? server.roomCount : [...rooms()].length
  })
  return { ...page, items: items.map(describeRoom) }
}

function * matching (rooms: Iterable<Room>, { listed, q = '' }: RoomFilter): IterableIterator<Room> {
  for (const room of rooms) if (room.name.includes(q) && (listed ?? room.listed) === room.listed) yield room
}
