import type { PeerEnd } from '../peer/peer-end.ts'
import type { PeerServer } from '../peer/peer-session-host.ts'
import type { PeerSession } from '../peer/peer-session.ts'
import type { MultiplayerCore, MultiplayerCoreHost } from '../rpc/multiplayer-core.ts'
import type { Logger } from '../../logger.ts'
import type { ClusterLink } from '../server/cluster-link.ts'
import type { Monitor } from '../server/monitor.ts'
import type { SignalEmitter, Signals } from '../server/signals.ts'
import type { PeerTable } from './peer-table.ts'
import type { RoomCore } from './room-core.ts'
import type { Rooms } from './rooms.ts'

/** The parts of a server that its rooms share. */
export interface RoomServer extends PeerServer {
  readonly monitor: Monitor
  readonly signals: SignalEmitter<Signals>
  readonly log: Logger
  /** Creates what handles the remote calls of a room. */
  readonly openMultiplayer: (host: MultiplayerCoreHost) => MultiplayerCore
  /** The peers of all rooms. */
  readonly peers: PeerTable
  readonly rooms: Rooms
  /** Undefined without option `cluster`. */
  readonly cluster: ClusterLink | undefined
  /** Whether the application has ever read packets of a peer in any room, or their number (plain mode). */
  hasReader: boolean
  /** The room of each authenticating client (option `authenticate`), by the client's id. */
  readonly authenticating: Map<number, RoomCore>
  /** A connection of the room has ended. Called once per session. */
  sessionEnded (session: PeerSession, end: PeerEnd): void
  /** Its socket is released. Called once per session, after `sessionEnded`. */
  sessionReleased (session: PeerSession): void
}
