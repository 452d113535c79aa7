import { opcode } from '../../src/protocol/websocket/frame.ts'
import {
  encodeRelayPacket, RELAY_HEAD, relayType, target, writeId
} from '../../src/protocol/multiplayer/relay-packet.ts'
import { sys } from '../../src/protocol/multiplayer/relay-wire4.ts'
import { command } from '../../src/protocol/multiplayer/scene-packet.ts'
import type { Job } from './job.ts'

const EMPTY = Buffer.alloc(0)

/** Message types of Colyseus. */
const colyseus = { JOIN: 10, BYTES: 17 } as const

/** Message format of one protocol, and how a client joins. */
export interface Wire {
  readonly opcode: number
  /** Payload of a text frame before each message. */
  readonly head?: string
  /** Bytes before the text of a message; `id` is that of the sender. */
  readonly prefix: (id: number) => Uint8Array
  /** Bytes after the text of a message. */
  readonly suffix: Uint8Array
  /** Prefix of received messages if it differs from `prefix`; it has the same length. */
  readonly receivedPrefix?: (id: number) => Uint8Array
  /** Text that a client sends first after the handshake, if any. */
  readonly firstMessage?: string
  /**
   * Reads a client's id from the message that completes its join; undefined for others. If not set, the handshake
   * completes the join.
   */
  readonly readId?: (payload: Buffer) => number | undefined
  /** Whether a message announces another member of the room, or the server. */
  readonly isAnnouncement?: (payload: Buffer) => boolean
  /** What a client sends in response to that message, if anything. */
  readonly answer?: Uint8Array
  /** Reserves a seat in a room, and returns the path to connect to; default: the room is in the query of the path. */
  readonly reserve?: (job: Job, room: string) => Promise<string>
}

/** One row per wire: plain WebSocket, the relays of Godot 3 and 4, Socket.IO with text and with binary, Colyseus. */
export const wires = {
  websocket: {
    opcode: opcode.BINARY,
    prefix: () => EMPTY,
    suffix: EMPTY
  },
  multiplayer: {
    opcode: opcode.BINARY,
    prefix: id => encodeRelayPacket(relayType.DATA, id, target.ALL, EMPTY),
    suffix: EMPTY,
    readId: payload => payload[0] === relayType.ID ? payload.readInt32LE(RELAY_HEAD) : undefined,
    isAnnouncement: payload => payload[0] === relayType.ADD
  },
  multiplayer4: {
    opcode: opcode.BINARY,
    prefix: () => relayed(target.ALL),
    receivedPrefix: relayed,
    suffix: EMPTY,
    readId: payload => payload.length === 4 ? payload.readInt32LE(0) : undefined
  },
  'socket.io': {
    opcode: opcode.TEXT,
    prefix: () => Buffer.from('42["m","'),
    suffix: Buffer.from('"]'),
    firstMessage: '40',
    readId: payload => payload.subarray(0, 2).equals(Buffer.from('40')) ? 0 : undefined
  },
  // A message with binary data is a text frame with a placeholder, and a binary frame.
  'socket.io-binary': {
    opcode: opcode.BINARY,
    head: '451-["m",{"_placeholder":true,"num":0}]',
    prefix: () => EMPTY,
    suffix: EMPTY,
    firstMessage: '40',
    readId: payload => payload.subarray(0, 2).equals(Buffer.from('40')) ? 0 : undefined,
    reserve: async ({ path }, room) => `${path}&room=${room}`
  },
  colyseus: {
    opcode: opcode.BINARY,
    prefix: () => Uint8Array.of(colyseus.BYTES, 0),
    suffix: EMPTY,
    readId: payload => payload[0] === colyseus.JOIN ? 0 : undefined,
    answer: Uint8Array.of(colyseus.JOIN),
    reserve: reserveSeat
  }
} satisfies Record<string, Wire>

/** Header of Godot 4's `send_bytes` through the relay: with the target when sent, with the source when received. */
function relayed (peer: number): Uint8Array {
  const head = Uint8Array.of(command.SYS, sys.RELAY, 0, 0, 0, 0, command.RAW)
  writeId(head, 2, peer)
  return head
}

async function reserveSeat ({ port }: Job, room: string): Promise<string> {
  const url = `http://127.0.0.1:${port}/matchmake/joinOrCreate/relay`
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ room })
  })
  const { processId, roomId, sessionId } = await response.json() as Record<string, string>
  return `/${processId}/${roomId}?sessionId=${sessionId}`
}

export type WireName = keyof typeof wires
