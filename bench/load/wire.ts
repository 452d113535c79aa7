import { opcode } from '../../src/protocol/websocket/frame.ts'
import { encodeRelayPacket, RELAY_HEAD, relayType, target, writeId } from '../../src/protocol/multiplayer/relay-packet.ts'
import { sys } from '../../src/protocol/multiplayer/relay-wire4.ts'
import { command } from '../../src/protocol/multiplayer/scene-packet.ts'

const NOTHING = Buffer.alloc(0)

/** How messages look on one kind of connection, and how a client gets in. */
export interface Wire {
  readonly opcode: number
  /** What stands in front of and behind the text of a message; `id` is the sender's. */
  readonly prefix: (id: number) => Uint8Array
  readonly suffix: Uint8Array
  /** What stands in front where a message arrives, as many bytes; without: the same. */
  readonly receivedPrefix?: (id: number) => Uint8Array
  /** What a client says first, if anything. */
  readonly firstMessage?: string
  /** The id of a client, read from the message that lets it in; undefined in others. Without: the handshake lets it in. */
  readonly readId?: (payload: Buffer) => number | undefined
}

/** A row per wire: plain WebSocket; Godot's multiplayer relay, of Godot 3 and 4; what Socket.IO puts on top. */
export const wires = {
  websocket: {
    opcode: opcode.BINARY,
    prefix: () => NOTHING,
    suffix: NOTHING
  },
  multiplayer: {
    opcode: opcode.BINARY,
    prefix: id => encodeRelayPacket(relayType.DATA, id, target.ALL, NOTHING),
    suffix: NOTHING,
    readId: payload => payload[0] === relayType.ID ? payload.readInt32LE(RELAY_HEAD) : undefined
  },
  multiplayer4: {
    opcode: opcode.BINARY,
    prefix: () => relayed(target.ALL),
    receivedPrefix: relayed,
    suffix: NOTHING,
    readId: payload => payload.length === 4 ? payload.readInt32LE(0) : undefined
  },
  'socket.io': {
    opcode: opcode.TEXT,
    prefix: () => Buffer.from('42["m","'),
    suffix: Buffer.from('"]'),
    firstMessage: '40',
    readId: payload => payload.subarray(0, 2).equals(Buffer.from('40')) ? 0 : undefined
  }
} satisfies Record<string, Wire>

/** The head of Godot 4's `send_bytes` through the server: for its target, then from its source. */
function relayed (peer: number): Uint8Array {
  const head = Uint8Array.of(command.SYS, sys.RELAY, 0, 0, 0, 0, command.RAW)
  writeId(head, 2, peer)
  return head
}

export type WireName = keyof typeof wires
