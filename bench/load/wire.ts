import { opcode } from '../../src/protocol/frame.ts'
import { encodeRelayPacket, RELAY_HEAD, relayType, target } from '../../src/protocol/relay-packet.ts'

const NOTHING = Buffer.alloc(0)

/** How messages look on one kind of connection, and how a client gets in. */
export interface Wire {
  readonly opcode: number
  /** What stands in front of and behind the text of a message; `id` is the sender's. */
  readonly before: (id: number) => Uint8Array
  readonly behind: Uint8Array
  /** What a client says first, if anything. */
  readonly hello?: string
  /** The id of a client, read from the message that lets it in; undefined in others. Without: the handshake lets it in. */
  readonly readWelcome?: (payload: Buffer) => number | undefined
}

/** A row per wire: plain WebSocket; Godot's multiplayer relay; what Socket.IO puts on top. */
export const wires = {
  websocket: {
    opcode: opcode.BINARY,
    before: () => NOTHING,
    behind: NOTHING
  },
  multiplayer: {
    opcode: opcode.BINARY,
    before: id => encodeRelayPacket(relayType.DATA, id, target.ALL, NOTHING),
    behind: NOTHING,
    readWelcome: payload => payload[0] === relayType.ID ? payload.readInt32LE(RELAY_HEAD) : undefined
  },
  'socket.io': {
    opcode: opcode.TEXT,
    before: () => Buffer.from('42["m","'),
    behind: Buffer.from('"]'),
    hello: '40',
    readWelcome: payload => payload.subarray(0, 2).equals(Buffer.from('40')) ? 0 : undefined
  }
} satisfies Record<string, Wire>

export type WireName = keyof typeof wires
