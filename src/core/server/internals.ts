import type { Admission } from '../admission/admission.ts'
import type { PacketPeer } from '../peer/packet-peer.ts'
import type { Rooms } from '../room/rooms.ts'
import type { Listening } from './listening.ts'
import type { Monitor } from './monitor.ts'
import type { PeerRegistry } from './peer-registry.ts'
import type { Settings } from './settings.ts'

/** The parts of a server, for the code that connects it to sockets and HTTP. */
export interface ServerInternals {
  readonly settings: Settings
  readonly admission: Admission
  readonly registry: PeerRegistry
  readonly listening: Listening
  readonly monitor: Monitor
  readonly rooms: Rooms
}

type Read = (server: PacketPeer) => ServerInternals

let read: Read

/** Called once by WebSocketServer, which alone can read its private members. */
export function provideInternals (reader: Read): void {
  read = reader
}

/** The parts of a WebSocketServer; not exported by the package. */
export function internalsOf (server: PacketPeer): ServerInternals {
  return read(server)
}
