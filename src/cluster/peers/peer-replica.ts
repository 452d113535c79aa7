import { PeerTable } from '../../core/room/peer-table.ts'
import type { RemotePeer } from './remote-peer.ts'

/** The peers of the other nodes, by id, by node and by room. */
export class PeerReplica {
  readonly #byId = new Map<number, RemotePeer>()
  readonly #bySlot = new Map<number, Set<RemotePeer>>()
  readonly #byRoom = new Map<string, PeerTable<RemotePeer>>()
  /** Number of peers in each room by slot. */
  readonly #countsByRoom = new Map<string, Map<number, number>>()

  get (id: number): RemotePeer | undefined {
    return this.#byId.get(id)
  }

  /** All of them, in no particular order. */
  [Symbol.iterator] (): IterableIterator<RemotePeer> {
    return this.#byId.values()
  }

  /** The peers of one node. */
  ofNode (slot: number): ReadonlySet<RemotePeer> {
    return this.#bySlot.get(slot) ?? new Set()
  }

  /** The peers of one room. */
  inRoom (name: string): PeerTable<RemotePeer> | undefined {
    return this.#byRoom.get(name)
  }

  /** Slots of the nodes that have peers in a room. */
  slotsOf (room: string): Set<number> {
    return new Set(this.#countsByRoom.get(room)?.keys())
  }

  add (peer: RemotePeer): void {
    this.#byId.set(peer.id, peer)
    const ofNode = this.#bySlot.get(peer.slot) ?? new Set()
    this.#bySlot.set(peer.slot, ofNode.add(peer))
    const { room } = peer.facts
    const inRoom = this.#byRoom.get(room) ?? new PeerTable<RemotePeer>()
    this.#byRoom.set(room, inRoom)
    inRoom.add(peer)
    this.#count(room, peer.slot, 1)
  }

  delete (peer: RemotePeer): void {
    this.#byId.delete(peer.id)
    const ofNode = this.#bySlot.get(peer.slot)
    ofNode?.delete(peer)
    if (ofNode?.size === 0) this.#bySlot.delete(peer.slot)
    const { room } = peer.facts
    const inRoom = this.#byRoom.get(room)
    inRoom?.delete(peer)
    if (inRoom?.size === 0) this.#byRoom.delete(room)
    this.#count(room, peer.slot, -1)
  }

  #count (room: string, slot: number, change: 1 | -1): void {
    const counts = this.#countsByRoom.get(room) ?? new Map<number, number>()
    this.#countsByRoom.set(room, counts)
    const count = (counts.get(slot) ?? 0) + change
    if (count > 0) counts.set(slot, count)
    else counts.delete(slot)
    if (counts.size === 0) this.#countsByRoom.delete(room)
  }
}
