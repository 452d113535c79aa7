import { internalsOf } from '../core/server/internals.ts'
import type { WebSocketPeer } from '../core/peer/websocket-peer.ts'
import type { WebSocketServer } from '../core/server/websocket-server.ts'
import type { TrafficTotals } from './feed-event.ts'

/** Traffic of all peers since this object was created. Each peer counts its own, so a packet costs nothing extra. */
export class Traffic {
  readonly #server: WebSocketServer
  readonly #left: TrafficTotals = { packetsIn: 0, packetsOut: 0, bytesIn: 0, bytesOut: 0 }
  readonly #onLeft = (peer: WebSocketPeer): void => { add(this.#left, peer) }

  constructor (server: WebSocketServer) {
    this.#server = server
    server.monitor.events.on('left', this.#onLeft)
  }

  /** Totals of the peers that have left and of those that are connected. */
  get totals (): TrafficTotals {
    const totals = { ...this.#left }
    // Read every second, also from ten thousand peers: without the iterator that lets peers come and go meanwhile, and
    // without the object of each peer, which is created when it is first used.
    for (const { state, packetsIn, bytesIn, outbox } of internalsOf(this.#server).registry.peers) {
      if (state === 'ended') continue
      const { packetsOut, bytesOut } = outbox
      add(totals, { packetsIn, packetsOut, bytesIn, bytesOut })
    }
    return totals
  }

  /** Stops counting. */
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
