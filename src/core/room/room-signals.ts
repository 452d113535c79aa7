import { namesOf } from '../server/signals.ts'
import type { Signals } from '../server/signals.ts'

/** The arguments of each signal of a Room by its name: signals of its server, for its own peers. */
export interface RoomSignals extends Pick<
  Signals,
  'client_connected' | 'client_disconnected' | 'data_received' | 'packet' |
  'peer_connected' | 'peer_disconnected' | 'peer_packet'
> {
  /** The room is closed: its last peer has ended, and its name is free. */
  closed: []
}

/** The names of all signals of a room. */
export const roomSignalNames = namesOf<RoomSignals>({
  client_connected: true,
  client_disconnected: true,
  data_received: true,
  packet: true,
  peer_connected: true,
  peer_disconnected: true,
  peer_packet: true,
  closed: true
})
