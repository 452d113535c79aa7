import type { PeerEnd } from '../peer/peer-end.ts'
import type { PeerSession } from '../peer/peer-session.ts'
import type { MultiplayerCore, MultiplayerHost } from '../rpc/multiplayer-core.ts'
import type { Logger } from '../../logger.ts'
import type { Monitor } from '../server/monitor.ts'
import type { Settings } from '../server/settings.ts'
import type { SignalEmitter, Signals } from '../server/signals.ts'
import type { PeerTable } from './peer-table.ts'

/** The parts of a server that its rooms share. */
export interface RoomServer {
  readonly settings: Settings
  readonly monitor: Monitor
  readonly signals: SignalEmitter<Signals>
  readonly log: Logger
  /** Creates what handles the remote calls of a room. */
  readonly openMultiplayer: (host: MultiplayerHost) => MultiplayerCore
  /** The peers of all rooms. */
  readonly peers: PeerTable
  /** Whether input is handled as it arrives instead of in `poll()`. */
  readonly autoPoll: boolean
  /** Calls `callback` outside of the current call: in the next loop turn or, without autoPoll, in the next poll. */
  soon (callback: () => void): void
  /** A connection of the room has ended. Called once per session. */
  sessionEnded (session: PeerSession, end: PeerEnd): void
  /** Its socket is released. Called once per session, after `sessionEnded`. */
  sessionReleased (session: PeerSession): void
}
