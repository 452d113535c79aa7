import { encodeRelayPacket, encodeSystemPacket, relayType } from '../../../src/protocol/multiplayer/relay-packet.ts'
import { RELAY4_HEAD, sys } from '../../../src/protocol/multiplayer/relay-wire4.ts'
import { command } from '../../../src/protocol/multiplayer/scene-packet.ts'
import type { ServerOptions } from '../../../src/options/option-types.ts'

/** Encodes messages of a client of one wire, and describes those of the server. */
export interface ClientCodec {
  /** A packet with application data from client `id`. */
  encodeData (id: number, to: number, data: Uint8Array): Buffer
  /**
   * Describes a message: `id 10`, `add 11`, `del 11`, `from 11 0102`. `isFirst`: it is the first one of the connection.
   */
  describe (message: Uint8Array, isFirst: boolean): string
  /** Messages that clients must not send, by the reason they are dropped for. */
  forgedMessages (id: number, other: number): Record<string, Uint8Array[]>
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const i32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}
const relay = (to: number, packet: Uint8Array): Buffer =>
  Buffer.concat([Uint8Array.of(command.SYS, sys.RELAY), i32(to), packet])
const announcement = (command4: number, id: number): Buffer =>
  Buffer.concat([Uint8Array.of(command.SYS, command4), i32(id)])
const raw = (data: Uint8Array): Buffer => Buffer.concat([Uint8Array.of(command.RAW), data])

const words = { [relayType.ADD]: 'add', [relayType.DEL]: 'del', [relayType.ID]: 'id' } as Record<number, string>
const words4 = { [sys.ADD_PEER]: 'add', [sys.DEL_PEER]: 'del' } as Record<number, string>

function hear4 (message: Buffer): string {
  if (message[0] === command.RAW) return `from 1 ${hex(message.subarray(1))}`
  const id = message.readInt32LE(2)
  if (message[1] in words4) return `${words4[message[1]]} ${id}`
  return `from ${id} ${hex(message.subarray(RELAY4_HEAD + 1))}`
}

/** One row per wire. */
export const clientCodecs: Record<ServerOptions['wire'], ClientCodec> = {
  godot3: {
    encodeData: (id, to, data) => Buffer.from(encodeRelayPacket(relayType.DATA, id, to, data)),
    describe: message => {
      const bytes = Buffer.from(message)
      return bytes[0] === relayType.DATA
        ? `from ${bytes.readInt32LE(1)} ${hex(bytes.subarray(9))}`
        : `${words[bytes[0]]} ${bytes.readInt32LE(9)}`
    },
    forgedMessages: (id, other) => ({
      'short-packet': [Buffer.alloc(8), Buffer.alloc(0)],
      'not-data': [encodeSystemPacket(relayType.ADD, other), encodeSystemPacket(
        relayType.DEL, other
      ), encodeSystemPacket(relayType.ID, other), encodeRelayPacket(relayType.DEL, id, 0, i32(other))],
      'spoofed-source': [
        encodeRelayPacket(relayType.DATA, other, 0, i32(0)), encodeRelayPacket(relayType.DATA, 1, 0, i32(0))
      ],
      'unknown-target': [encodeRelayPacket(relayType.DATA, id, 99, i32(0))],
      'own-target': [encodeRelayPacket(relayType.DATA, id, id, i32(0))]
    })
  },
  godot4: {
    encodeData: (_id, to, data) => to === 1 ? raw(data) : relay(to, raw(data)),
    describe: (message, isFirst) => isFirst ? `id ${Buffer.from(message).readInt32LE(0)}` : hear4(Buffer.from(message)),
    forgedMessages: (id, other) => ({
      'short-packet': [Buffer.alloc(0), raw(Buffer.alloc(0)), Buffer.of(command.SYS), relay(
        0, Buffer.alloc(0)
      ), relay(0, Buffer.alloc(0)).subarray(0, 5), relay(other, raw(Buffer.alloc(0)))],
      'not-data': [
        announcement(sys.ADD_PEER, other), announcement(sys.DEL_PEER, other), announcement(
          sys.ADD_PEER, 1
        ), announcement(4, other), Buffer.of(command.SYS, sys.AUTH), Buffer.of(command.SYS, sys.AUTH, 1),
        relay(0, announcement(sys.DEL_PEER, other)), relay(other, announcement(sys.ADD_PEER, 1)), relay(
          -id, relay(0, raw(i32(0)))
        ), relay(other, Buffer.of(0xff, 0xaa)), relay(0, Buffer.of(0x0f, sys.DEL_PEER, 1, 0, 0, 0))
      ],
      'unknown-target': [relay(99, raw(i32(0))), relay(1, raw(i32(0)))]
    })
  }
}
