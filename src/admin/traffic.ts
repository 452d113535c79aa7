import type { WebSocketPeer } from '../core/peer/websocket-peer.ts'
import type { WebSocketServer } from '../core/server/websocket-server.ts'

/** Packets and payload bytes, from clients and to them. */
export interface TrafficTotals { packetsIn: number, packetsOut: number, bytesIn: number, bytesOut: number }

/** What all peers together sent and got, since this was made: exact, and free of charge for a packet, as each peer counts its own. */
export class Traffic {
  readonly #server: WebSocketServer
  readonly #left: TrafficTotals = { packetsIn: 0, packetsOut: 0, bytesIn: 0, bytesOut: 0 }
  readonly #onLeft = (peer: WebSocketPeer): void => { add(this.#left, peer) }

  constructor (server: WebSocketServer) {
    this.#server = server
    server.monitor.events.on('left', this.#onLeft)
  }

  /** Those that have left, and those that are there. */
  get totals (): TrafficTotals {
    const totals = { ...this.#left }
    for (const peer of this.#server.peers()) if (peer.isConnectedToHost()) add(totals, peer)
    return totals
  }

  /** Counts no longer. */
  close (): void {
    this.#server.monitor.events.off('left', this.#onLeft)
  }
}

function add (totals: TrafficTotals, { packetsIn, packetsOut, bytesIn, bytesOut }: TrafficTotals): void {
  totals.packetsIn += packetsIn
  totals.packetsOut += packetsOut
  totals.bytesIn += bytesIn
  totals.bytesOut += bytesOut
}
