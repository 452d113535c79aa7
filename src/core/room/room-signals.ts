import type { Signals } from '../server/signals.ts'

/** Signals of a server that its rooms emit too, each for its own peers. */
export type PeerSignal = 'client_connected' | 'client_disconnected' | 'data_received' | 'packet' |
  'peer_connected' | 'peer_disconnected' | 'peer_packet'

/** The arguments of each signal of a Room by its name. */
export interface RoomSignals extends Pick<Signals, PeerSignal> {
  /** The room is closed: its last peer has ended, and its name is free. */
  closed: []
}
