import { closeCode, isServerCloseCode } from '../../src/protocol/websocket/close-code.ts'
import { encodeRelayPacket, relayType, target } from '../../src/protocol/multiplayer/relay-packet.ts'
import { relayWire3 } from '../../src/protocol/multiplayer/relay-wire3.ts'
import { relayWire4, sys } from '../../src/protocol/multiplayer/relay-wire4.ts'
import { encodeCall4 } from '../../src/protocol/multiplayer/rpc4-packet.ts'
import { variant4 } from '../../src/protocol/variant/variant4.ts'
import { command } from '../../src/protocol/multiplayer/scene-packet.ts'

/**
 * A field of a message: little-endian bytes, with their value where it is fixed; `lowBits`: allowed values of the lower
 * three bits.
 */
export interface Field {
  readonly name: string,
  readonly type: 'u8' | 'i32' | 'bytes',
  readonly value?: number,
  readonly lowBits?: readonly number[],
  readonly minLength?: number,
  readonly about?: string
}

/** A message: its sender, its fields (text has none), and an example encoded by our codec. */
export interface SocketMessage {
  readonly name: string,
  readonly from: 'client' | 'server' | 'both',
  readonly about: string,
  readonly fields?: readonly Field[],
  readonly example: Uint8Array | string
}

/** The messages of a server mode. */
export interface Mode { readonly title: string, readonly about: string, readonly messages: readonly SocketMessage[] }

/** Name of a mode. */
export type ModeName = 'plain' | 'godot3' | 'godot4'

const [SENDER, OTHER] = [1836495123, 482913337]
const HELLO = Buffer.from('hello')

const u8 = (name: string, value: number): Field => ({ name, type: 'u8', value })
const i32 = (name: string, about: string): Field => ({ name, type: 'i32', about })
const rest = (name: string, about: string, minLength = 0): Field => ({
  name,
  type: 'bytes',
  about,
  ...(minLength === 0 ? {} : { minLength })
})

const others = 'another id: that peer, negative: all except that peer'
const peer = i32('peer', 'Id of the peer')

/** Header of the messages about peers in Godot 3. */
const system3 = (type: number): Field[] => [
  u8('type', type),
  { name: 'source', type: 'i32', value: target.SERVER },
  { name: 'target', type: 'i32', value: target.ALL },
  peer
]
const system4 = (what: number): Field[] => [u8('command', command.SYS), u8('what', what), peer]

const godot3: readonly SocketMessage[] = [
  {
    name: 'id',
    from: 'server',
    about: 'The id of the client; the first message that it receives',
    fields: system3(relayType.ID),
    example: relayWire3.welcome(SENDER)[0]
  },
  {
    name: 'add',
    from: 'server',
    about: `A peer is connected; the first is the server, ${target.SERVER}`,
    fields: system3(relayType.ADD),
    example: relayWire3.added(OTHER)
  },
  {
    name: 'del',
    from: 'server',
    about: 'A peer disconnected',
    fields: system3(relayType.DEL),
    example: relayWire3.removed(OTHER)
  },
  {
    name: 'data',
    from: 'both',
    about:
      'A packet of the game; recipients receive it unchanged. A malformed message, or one whose source is not its ' +
      'sender, is dropped',
    fields: [
      u8('type', relayType.DATA),
      i32('source', `Id of the sender; ${target.SERVER}: the server`),
      i32('target',
        `${target.ALL}: all, ${target.SERVER}: the server, ${target.ALL_BUT_SERVER}: all except the server, ${others}`),
      rest('payload', 'Data of the game, such as a remote call')
    ],
    example: encodeRelayPacket(relayType.DATA, SENDER, target.ALL, HELLO)
  }
]

/** Commands between the client and the server's own `multiplayer`. */
const calls = Object.entries(command).filter(([, number]) => number !== command.RAW && number !== command.SYS)

const godot4: readonly SocketMessage[] = [
  {
    name: 'id',
    from: 'server',
    about: 'The id of the client; the first message that it receives. It implies that the server, 1, is connected',
    fields: [i32('peer', 'Id of the client')],
    example: relayWire4.welcome(SENDER)[0]
  },
  {
    name: 'auth',
    from: 'both',
    about:
      'Before the client joins, if the server has option `authenticate`: data of `send_auth`, or `complete_auth` if ' +
      'there are none. A client that is not accepted within `authTimeout` is closed with 1000',
    fields: [
      u8('command', command.SYS),
      u8('what', sys.AUTH),
      rest('data', 'Data for the application, such as a token')
    ],
    example: relayWire4.auth!.encode(Buffer.from('token'))
  },
  {
    name: 'addPeer',
    from: 'server',
    about: 'A peer is connected',
    fields: system4(sys.ADD_PEER),
    example: relayWire4.added(OTHER)
  },
  {
    name: 'delPeer',
    from: 'server',
    about: 'A peer disconnected',
    fields: system4(sys.DEL_PEER),
    example: relayWire4.removed(OTHER)
  },
  {
    name: 'relay',
    from: 'both',
    about: 'A packet for other peers. They receive it with the sender in place of the target',
    fields: [
      u8('command', command.SYS),
      u8('what', sys.RELAY),
      i32('peer', `To the server: the target, where ${target.ALL}: all, ${others}. From the server: the sender`),
      rest('packet', 'A message `raw` or `call`', 1)
    ],
    example: Buffer.from([command.SYS, sys.RELAY, 0, 0, 0, 0, command.RAW, ...HELLO])
  },
  {
    name: 'raw',
    from: 'both',
    about: 'Bytes of `send_bytes`, between the client and the server',
    fields: [u8('command', command.RAW), rest('bytes', 'Bytes of the application', 1)],
    example: relayWire4.data(0, HELLO)
  },
  {
    name: 'call',
    from: 'both',
    about: 'A remote call, a node path, a spawn, a despawn or a synchronization, between the client and the server',
    fields: [
      {
        name: 'command',
        type: 'u8',
        lowBits: calls.map(([, number]) => number),
        about: `${calls.map(([name, number]) => `${number}: ${name}`).join(', ')}; the higher bits are flags`
      },
      rest('content', 'Depends on the command')
    ],
    example: encodeCall4(variant4, 1, 0, ['hello'])
  }
]

const plain: readonly SocketMessage[] = [
  {
    name: 'binary',
    from: 'both',
    about: 'Bytes of the application',
    fields: [rest('bytes', 'Any bytes')],
    example: HELLO
  },
  { name: 'text', from: 'both', about: 'Text of the application, in UTF-8', example: 'hello' }
]

/** The modes of a server and the messages of each. */
export const modes: Readonly<Record<ModeName, Mode>> = {
  plain: { title: 'Plain WebSocket', about: 'Messages are defined by the application.', messages: plain },
  godot3: {
    title: 'Godot 3 multiplayer',
    about:
      'A relay for Godot 3 (`WebSocketClient` with `gd_mp_api`): each binary message is a packet with a header of ' +
      'nine bytes.',
    messages: godot3
  },
  godot4: {
    title: 'Godot 4 multiplayer',
    about:
      'A relay for Godot 4 (`WebSocketMultiplayerPeer`, `SceneMultiplayer`): each binary message is a packet whose ' +
      'first byte is a command.',
    messages: godot4
  }
}

const meanings: Readonly<Record<keyof typeof closeCode, string>> = {
  NORMAL: 'Default of `disconnectPeer`; in Godot 4 also: rejected by `authenticate`',
  GOING_AWAY: 'The server stops (option `stopCode`); in a cluster also: the node is drained or cut off, or lost ' +
    'messages (`onGap`), or another node opened the room first',
  PROTOCOL_ERROR: 'The client violated RFC 6455',
  NO_STATUS: 'The close frame of the client had no code',
  ABNORMAL: 'The connection ended without a close frame',
  INVALID_TEXT: 'Text or a close reason is not UTF-8, or compressed data are invalid',
  POLICY: 'The client exceeded `maxPacketsPerSecond` or `maxBytesPerSecond` for too long, or its address was banned',
  TOO_BIG: 'A message is larger than the input buffer (`inputBufferKb`)',
  RESTART: 'The server restarts (option `stopCode`)',
  SLOW_PEER: 'The client reads too slowly: its output buffer (`outputBufferKb`, `outputMaxPackets`) is full'
}

/** Close codes of the server, and whether it sends them or only reports them to the application. */
export const closeCodes = Object.entries(closeCode).map(([name, code]) => ({
  code,
  name,
  sent: isServerCloseCode(code),
  description: meanings[name as keyof typeof closeCode]
}))
