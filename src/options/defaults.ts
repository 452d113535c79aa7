import type { ClusterOptions, RoomRules, ServerOptions } from './option-types.ts'

/** Default values of the options. */
export const defaultOptions: ServerOptions = {
  name: 'peerServer',
  path: '/ws',
  bindIp: '*',
  protocols: [],
  gdMpApi: false,
  wire: 'godot3',
  serverRelay: true,
  confirmPath: 'id',
  exactTypes: false,
  authTimeout: 3,
  handshakeTimeout: 3,
  refuseNewConnections: false,
  autoListen: true,
  autoPoll: true,
  inputBufferKb: 64,
  inputMaxPackets: 1024,
  outputBufferKb: 64,
  outputMaxPackets: 1024,
  closeTimeout: 2,
  lastWords: true,
  stopCode: 1001,
  pingInterval: 10,
  perMessageDeflate: false,
  rooms: false,
  maxPeers: 0,
  maxPeersPerAddress: 50,
  maxJoinsPerMinute: 0,
  maxPendingHandshakes: 1024,
  maxPacketsPerSecond: 0,
  maxBytesPerSecond: 0,
  holdTime: 0
}

/** Option `rooms` with its defaults. */
export type CompleteRoomRules = Required<RoomRules>

/** Default values of the members of option `rooms`. */
export const defaultRoomRules: CompleteRoomRules =
  { create: 'join', maxRooms: 10000, maxPeersPerRoom: 0, emptyTimeout: 0, joinPerMinute: 60 }

/** Default values of the members of option `cluster` that have one. */
export const defaultClusterOptions = {
  namespace: 'default', replicas: 1, onBrokerLoss: 'close', onGap: 'announce'
} as const satisfies Partial<ClusterOptions>

/** Option `cluster` with its defaults. */
export type CompleteClusterOptions = ClusterOptions & Required<Pick<ClusterOptions, keyof typeof defaultClusterOptions>>
