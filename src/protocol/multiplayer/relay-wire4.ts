import { readI32 } from '../bytes.ts'
import { GodotError } from '../../error.ts'
import { target, writeId } from './relay-packet.ts'
import type { RelayWire, WireFault } from './relay-wire.ts'
import { command, commandAt, prefixed } from './scene-packet.ts'

/**
 * Messages of Godot 4 (SceneMultiplayer over WebSocketMultiplayerPeer) that announce peers and relay packets:
 *
 *   id               | id i32 |                         the first message to a newcomer; announces the server (1) too
 *   auth             | 7 u8 | 0 u8 | data ... |         both ways, before joining; without data: "complete"
 *   add peer         | 7 u8 | 1 u8 | id i32 |           from the server
 *   del peer         | 7 u8 | 2 u8 | id i32 |           from the server
 *   relay            | 7 u8 | 3 u8 | target i32 | packet ... |   to the server
 *                    | 7 u8 | 3 u8 | source i32 | packet ... |   from the server: the same with four bytes changed
 *   raw              | 3 u8 | bytes ... |               bytes of the application, at least one
 *
 * Any other packet is for the server.
 */
export const sys = { AUTH: 0, ADD_PEER: 1, DEL_PEER: 2, RELAY: 3 } as const

/** Bytes before a relayed packet. */
export const RELAY4_HEAD = 6
const AUTH_HEAD = 2
const ID_AT = 2
const RAW_HEAD = 1

/**
 * A header and the id of a client. Clients would accept other ids, which breaks them: after DEL_PEER of 1 they ignore
 * the server.
 */
function encodePeer (head: readonly number[], id: number): Uint8Array {
  if (id <= target.SERVER) throw new GodotError('ERR_INVALID_PARAMETER', `invalid client id ${id}: expected at least 2`)
  const bytes = Uint8Array.of(...head, 0, 0, 0, 0)
  writeId(bytes, head.length, id)
  return bytes
}

/** Offset of the packet in a message: after the header of a relay, else at its start. */
function packetAt (bytes: Uint8Array, start: number): number {
  return commandAt(bytes, start) === command.SYS ? start + RELAY4_HEAD : start
}

/**
 * Of the SYS messages clients may send RELAY only, without a SYS packet inside; real clients never relay to the server.
 */
function relayFault (bytes: Uint8Array, start: number, end: number): WireFault | undefined {
  if (end - start < AUTH_HEAD) return 'short-packet'
  if (bytes[start + 1] !== sys.RELAY) return 'not-data'
  if (end - start <= RELAY4_HEAD) return 'short-packet'
  if (readI32(bytes, start + ID_AT) === target.SERVER) return 'unknown-target'
  return commandAt(bytes, start + RELAY4_HEAD) === command.SYS ? 'not-data' : rawFault(bytes, start + RELAY4_HEAD, end)
}

function rawFault (bytes: Uint8Array, at: number, end: number): WireFault | undefined {
  return commandAt(bytes, at) === command.RAW && end - at <= RAW_HEAD ? 'short-packet' : undefined
}

/** Godot 4. */
export const relayWire4: RelayWire = {
  slack: 1,
  overhead: RAW_HEAD,
  hasSharedTargets: false,
  auth: {
    encode: data => prefixed([command.SYS, sys.AUTH], data),
    dataAt: (bytes, start, end) => {
      const isSys = end - start >= AUTH_HEAD && commandAt(bytes, start) === command.SYS
      return isSys && bytes[start + 1] === sys.AUTH ? start + AUTH_HEAD : -1
    }
  },
  welcome: id => [encodePeer([], id)],
  added: id => encodePeer([command.SYS, sys.ADD_PEER], id),
  removed: id => encodePeer([command.SYS, sys.DEL_PEER], id),
  data: (_to, bytes) => {
    if (bytes.length === 0) throw new GodotError('ERR_INVALID_DATA', 'empty packet: expected at least one byte')
    return prefixed([command.RAW], bytes)
  },
  call: (_to, packet) => packet,
  fault: (bytes, start, end) => {
    if (start === end) return 'short-packet'
    return commandAt(bytes, start) === command.SYS ? relayFault(bytes, start, end) : rawFault(bytes, start, end)
  },
  target: (bytes, start) => commandAt(bytes, start) === command.SYS ? readI32(bytes, start + ID_AT) : target.SERVER,
  stamp: (bytes, start, sender) => {
    bytes[start] = command.SYS
    writeId(bytes, start + ID_AT, sender)
  },
  callAt: (bytes, start) => {
    const at = packetAt(bytes, start)
    return commandAt(bytes, at) === command.RAW ? -1 : at
  },
  subject: (bytes, start) => {
    switch (commandAt(bytes, packetAt(bytes, start))) {
      case command.SIMPLIFY_PATH:
      case command.CONFIRM_PATH: return 'path'
      case command.SPAWN:
      case command.DESPAWN:
      case command.SYNC: return 'scene'
    }
  },
  contentAt: packetAt,
  dataAt: (bytes, start) => packetAt(bytes, start) + RAW_HEAD
}
