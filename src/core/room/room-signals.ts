import { namesOf } from '../server/signals.ts'
import type { SignalEmitter, Signals } from '../server/signals.ts'

/** Signals that both a Room and its server emit. */
export interface SharedSignals extends Pick<
  Signals,
  'client_connected' | 'client_disconnected' | 'data_received' | 'packet' |
  'peer_connected' | 'peer_disconnected' | 'peer_packet'
> {}

/** Emits the signals that both have. */
export type SharedEmitter = Pick<SignalEmitter<SharedSignals>, 'emit'>

/** The arguments of each signal of a Room by its name: signals of its server, for its own peers. */
export interface RoomSignals extends SharedSignals {
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
