import { bytesToSend, type PacketBody } from '../../http/packet-parser.ts'
import type { RoomCore } from '../../src/core/room/room-core.ts'
import { internalsOf } from '../../src/core/server/internals.ts'
import { noSuchPeer } from '../../src/error.ts'
import type { Filter } from '../peers/peer-filter.ts'
import { select, type Selection, shareOf } from '../peers/selection.ts'
import type { ClusterNodes, MissingNodes } from './cluster-nodes.ts'

/** What a query says about the receivers of a packet. */
interface Receivers extends Filter { target?: number, raw?: boolean, ids?: string, excluded?: string }

/** To one peer; of this room, if given. */
interface ToPeer { readonly id: number, readonly room?: string | undefined }

/** To the peers of all rooms or of one. */
interface ToMany extends Pick<Receivers, 'target'> {
  readonly room?: string | undefined
  readonly excluded?: readonly number[] | undefined
  readonly ids?: readonly number[] | undefined
  /** Only peers that match; in any room. */
  readonly filter?: Filter | undefined
}

/** Sends packets to peers of all nodes. */
export class ClusterPackets {
  readonly #nodes: ClusterNodes
  readonly #toPeer
  readonly #toMany

  constructor (nodes: ClusterNodes) {
    this.#nodes = nodes
    const { server } = nodes
    const { rooms } = internalsOf(server)
    this.#toPeer = nodes.operation('put-packet', ({ id, room, isText }: ToPeer & { isText: boolean }, bytes) => {
      const core = rooms.get(room ?? nodes.localPeer(id).room.name)
      if (!core.members.has(id)) throw noSuchPeer(id)
      core.sender.broadcast(id, bytes, isText)
      return nodes.localPeer(id).getCurrentOutboundBufferedAmount()
    })
    this.#toMany = nodes.operation('broadcast', (to: ToMany & { isText: boolean }, bytes) => {
      const { room, target = 0, excluded, ids, filter, isText } = to
      const cores = room === undefined ? [...rooms] : [rooms.find(room)].filter(core => core !== undefined)
      const excludedIds = new Set(excluded)
      const selects = ids !== undefined || filter !== undefined
      const selected = selects ? new Set(select(nodes, to).peers.map(({ id }) => id)) : undefined
      const sendHere = (core: RoomCore): number => {
        if (selected !== undefined) return core.sender.broadcastHereTo(selected, bytes, isText)
        if (excluded !== undefined) return core.sender.broadcastHereExcept(excludedIds, bytes, isText)
        return core.sender.broadcastHere(target, bytes, isText)
      }
      return cores.reduce((recipients, core) => recipients + sendHere(core), 0)
    })
  }

  /** Resolves with the bytes that wait for the peer then. */
  async toPeer ({ raw = false, ...to }: ToPeer & Pick<Receivers, 'raw'>, packet: PacketBody): Promise<number> {
    const { isText } = packet
    return await this.#toPeer.ofPeer(to.id, { ...to, isText }, bytesToSend(this.#nodes.server, packet, raw))
  }

  /** Sends a packet as a query says; resolves with the number of recipients. */
  async send (
    room: string | undefined, { target = 0, excluded, raw = false, ...selection }: Receivers, packet: PacketBody
  ): Promise<{ recipients: number } & MissingNodes> {
    if (room !== undefined) this.#nodes.room(room)
    if (target > 0) {
      await this.toPeer({ id: target, room, raw }, packet)
      return { recipients: 1 }
    }
    const { isText } = packet
    const wanted = { target, room, isText, ...parseSelection({ excluded, ...selection }) }
    const { results, missing } = await this.#toMany.each(
      slot => shareOf(this.#nodes, slot, wanted),
      'cluster',
      bytesToSend(this.#nodes.server, packet, raw)
    )
    return { recipients: results.reduce((sum, count) => sum + count, 0), ...missing }
  }
}

/** Whether a query selects its peers in at most one way. */
export function selectsAtMostOnce ({ target = 0, raw: _raw, ids, excluded, ...filter }: Receivers): boolean {
  if (target !== 0) return ids === undefined && excluded === undefined && !isFilter(filter)
  return ids === undefined || !isFilter(filter)
}

function isFilter (filter: Filter): boolean {
  return Object.values(filter).some(value => value !== undefined)
}

/** What a query selects: ids as lists, and the filter, if it has one. */
function parseSelection ({ ids, excluded, ...filter }: Omit<Receivers, 'target' | 'raw'>): Selection {
  return {
    ...(ids === undefined ? {} : { ids: idsOf(ids) }),
    ...(excluded === undefined ? {} : { excluded: idsOf(excluded) }),
    ...(isFilter(filter) ? { filter } : {})
  }
}

/** The ids of a comma-separated list. */
export function idsOf (list: string): number[] {
  return list.split(',').map(Number)
}
