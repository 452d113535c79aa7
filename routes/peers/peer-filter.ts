import { parseAddressRange } from '../../src/address-range.ts'
import type { WebSocketPeer } from '../../src/core/peer/websocket-peer.ts'
import { internalsOf } from '../../src/core/server/internals.ts'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { hasMembers } from '../../src/has-members.ts'
import { Type } from '../../src/typebox.ts'
import { asJson } from '../as-json.ts'
import { addressRange, RoomName } from '../schemas.ts'

/** Filter of peers of one room; without any member, all of them. */
export const RoomPeerFilter = {
  protocol: Type.Optional(Type.String({ description: 'Peers with this subprotocol' })),
  address: Type.Optional(addressRange('Peers from this IP address or CIDR range, such as `192.0.2.0/24`'))
}

const room = Type.Optional({ ...RoomName, description: 'Peers in this room' })
const whoseData = 'Peers whose `data` has these members, such as `{"user":"alice"}`'

/** Filter of peers in a query; without any member, all peers. */
export const QueryFilter = {
  ...RoomPeerFilter,
  room,
  data: Type.Optional(Type.Refine(Type.String({
    maxLength: 1000, description: `${whoseData}: a JSON object`
  }), text => parseData(text) !== undefined, () => 'must be a JSON object'))
}

/** Filter of peers in a body. */
export const BodyFilter = {
  ...RoomPeerFilter,
  room,
  data: Type.Optional(Type.Record(Type.String(), Type.Unknown(), {
    minProperties: 1, description: whoseData, examples: [{ user: 'alice' }]
  }))
}

type Data = Readonly<Record<string, unknown>>

/** The values of a filter. */
export interface Filter {
  protocol?: string | undefined
  address?: string | undefined
  room?: string | undefined
  /** Members that `data` of a peer must have; in a query the object is JSON. */
  data?: Data | string | undefined
}

/** The peers of this node after an id that match the filter, by ascending id. */
export function * filtered (
  server: WebSocketServer,
  { protocol, address, room, data }: Filter,
  after = 0
): IterableIterator<WebSocketPeer> {
  const range = address === undefined ? undefined : parseAddressRange(address)
  const wanted = typeof data === 'string' ? parseData(data) : data
  for (const peer of peersOf(server, room, after)) {
    if (protocol !== undefined && peer.protocol !== protocol) continue
    if (wanted !== undefined && !hasMembers(asJson(peer.data), wanted)) continue
    if (range?.has(peer.getConnectedHost()) ?? true) yield peer
  }
}

/** Parses a JSON object; undefined for any other text. */
function parseData (text: string): Data | undefined {
  try {
    const data: unknown = JSON.parse(text)
    return typeof data === 'object' && data !== null && !Array.isArray(data) ? data as Data : undefined
  } catch {
    return undefined
  }
}

function peersOf (server: WebSocketServer, room: string | undefined, after: number): Iterable<WebSocketPeer> {
  if (room === undefined) return server.peers(after)
  return internalsOf(server).rooms.find(room)?.room.localPeers(after) ?? []
}
