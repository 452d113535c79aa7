import { encodeDeltas, encodeSyncs } from '../../../protocol/multiplayer/replication4-packet.ts'
import type { Sync } from '../../../protocol/multiplayer/replication4-packet.ts'
import { target } from '../../../protocol/multiplayer/relay-packet.ts'
import type { RpcLink } from '../wire/rpc-wire.ts'
import type { Presence } from './presence.ts'
import type { ReplicatedPropertiesHost } from './replicated-properties.ts'

/** The values of one sync: those that all peers get are encoded once. */
export class SyncBatch {
  readonly #link: RpcLink
  readonly #maxPacketSize: number
  /** Values by receiver: a peer, or all (0). */
  readonly #byPeer = new Map<number, { readonly syncs: Sync[], readonly deltas: Sync[] }>()

  constructor (link: RpcLink, { maxPacketSize }: ReplicatedPropertiesHost) {
    this.#link = link
    this.#maxPacketSize = maxPacketSize
  }

  /** Adds the values of one presence for those that can be sent any: all that are always sent, or changed ones. */
  add (presence: Presence, values: Uint8Array, changed?: bigint): void {
    const { connected, areAllConnected } = this.#link
    // A peer that moves from another room may know the id as that of another node.
    const common = areAllConnected ? presence.commonId(connected.size) : undefined
    if (common !== undefined) return this.addFor(target.ALL, { id: common, values, changed })
    for (const [peer, id] of presence.ids) this.addFor(peer, { id, values, changed })
  }

  /** Adds values for one peer. */
  addFor (peer: number, sync: Sync): void {
    const { syncs, deltas } = this.#byPeer.get(peer) ?? { syncs: [], deltas: [] }
    this.#byPeer.set(peer, { syncs, deltas })
    if (sync.changed === undefined) syncs.push(sync)
    else deltas.push(sync)
  }

  /** Sends everything; `time` increases by one for each sync. */
  send (time: number): void {
    for (const [peer, { syncs, deltas }] of this.#byPeer) {
      const packets = [...encodeSyncs(time, syncs, this.#maxPacketSize), ...encodeDeltas(deltas, this.#maxPacketSize)]
      for (const packet of packets) this.#link.putTo(peer, packet)
    }
  }
}
