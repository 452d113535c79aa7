import type { RoomCore } from '../../core/room/room-core.ts'
import { target } from '../../protocol/multiplayer/relay-packet.ts'
import type { DirectLinks } from '../direct-links.ts'
import type { Gaps } from '../gaps.ts'
import { readPackets } from '../message/direct-message.ts'
import type { DirectPacket } from '../message/direct-message.ts'
import type { RoomMessage } from '../message/room-message.ts'
import { readStamp } from '../message/stamp.ts'
import type { NodeContext } from '../node-context.ts'
import type { PeerSync } from '../peers/peer-sync.ts'
import { deliver } from './deliver.ts'
import type { RoomPart } from './room-part.ts'
import type { RoomTraffic } from './room-traffic.ts'

/** The parts of a node that PacketReceiver works with. */
export interface PacketReceiverParts {
  readonly peers: PeerSync
  readonly traffic: RoomTraffic
  readonly direct: DirectLinks
  readonly gaps: Gaps
}

/** Delivers packets of other nodes to members of rooms here, and to the servers of rooms that have their home here. */
export class PacketReceiver {
  readonly #context: NodeContext
  readonly #parts: PacketReceiverParts

  constructor (context: NodeContext, parts: PacketReceiverParts) {
    this.#context = context
    this.#parts = parts
  }

  /** Subscribes to packets for single peers of this node; returns a function that unsubscribes. */
  listen (): () => void {
    const { bus, subjects, lease } = this.#context
    return bus.subscribe(subjects.packets(lease.slot), ({ bytes }) => { this.#receivePackets(bytes) })
  }

  /** A message to all members of a room. */
  receiveAll (part: RoomPart, message: RoomMessage): void {
    const { peers } = this.#parts
    const { slot } = message
    let unknown = 0
    deliver(part.core, message, id => {
      const sender = peers.replica.get(id)
      if (sender?.slot === slot) return sender
      unknown++
      return undefined
    })
    if (unknown > 0) this.#sendersUnknown(part, slot, unknown)
  }

  /** Packets for the server are lost: the node's messages about their senders have not arrived. */
  #sendersUnknown (part: RoomPart, slot: number, packets: number): void {
    const { gaps, peers } = this.#parts
    gaps.roomLost(part, slot, packets)
    peers.readAgain(slot)
  }

  #receivePackets (bytes: Uint8Array): void {
    const { direct, gaps, peers, traffic } = this.#parts
    const stamp = readStamp(bytes)
    if (!this.#context.isLive(stamp)) return
    if (peers.deferUntilPeersKnown(stamp.slot, bytes, held => { this.#receivePackets(held) })) return
    const lost = direct.received.arrived(stamp.slot, stamp.seq)
    if (lost === undefined) return
    gaps.directLost(stamp.slot, lost)
    const unknown = new Map<RoomPart, number>()
    for (const packet of readPackets(bytes)) {
      const part = traffic.part(packet.room)
      if (part !== undefined && !this.#receivePacket(part.core, packet)) unknown.set(part, (unknown.get(part) ?? 0) + 1)
    }
    for (const [part, packets] of unknown) this.#sendersUnknown(part, stamp.slot, packets)
  }

  /** False if it is for the server of the room and its sender is not known. */
  #receivePacket (core: RoomCore, { opcode, source, target: to, bytes }: DirectPacket): boolean {
    if (to !== target.SERVER) core.receiveFor(to, opcode, bytes, source !== target.SERVER)
    else if (core.isHome) {
      const sender = this.#parts.peers.replica.get(source)
      if (sender === undefined) return false
      core.relay.receiveForServer(sender, bytes, 0, bytes.length)
    }
    return true
  }
}
