import type { Handshake } from '../../src/core/admission/handshake.ts'
import type { PeerSession } from '../../src/core/peer/peer-session.ts'
import type { Connection } from '../../src/transport/connection.ts'
import { internalsOf } from '../../src/core/server/internals.ts'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { opcode } from '../../src/protocol/websocket/frame.ts'

const EMPTY = new Uint8Array(0)

/** Accepts a connection as a peer, as after its handshake. */
export function accept (server: WebSocketServer, connection: Connection, protocol = '', handshake?: Handshake): void {
  internalsOf(server).registry.accept(connection, protocol, EMPTY, handshake)
}

/** The session of a peer. */
export function sessionOf (server: WebSocketServer, id: number): PeerSession | undefined {
  return internalsOf(server).registry.peers.get(id)
}

/** Sends a packet of the server to a target (multiplayer mode). */
export function putDataTo (server: WebSocketServer, target: number, bytes: Uint8Array): void {
  internalsOf(server).rooms.main.sender.putData(target, bytes)
}

/** Sends bytes to the members of `main`, and returns how many of them its outbox has. */
export function sendToAll (server: WebSocketServer, bytes: Uint8Array): number {
  return internalsOf(server).rooms.main.outbox.sendAll(opcode.BINARY, bytes, 0, bytes.length, undefined, undefined)
}

/** Handles bytes as one message of a peer. */
export function receive (
  server: WebSocketServer, session: PeerSession, bytes: Uint8Array, start: number, end: number, isText: boolean
): void {
  internalsOf(server).rooms.main.receive(session, bytes, start, end, isText)
}
