/** The limits that clients can hit, each with the option, method or system limit that sets it. */
export const limits = {
  'server-full': 'maxPeers',
  'address-limit': 'maxPeersPerAddress',
  'join-rate': 'maxJoinsPerMinute',
  'room-full': 'maxPeersPerRoom',
  'too-many-rooms': 'maxRooms',
  'room-rate': 'joinPerMinute',
  'too-many-handshakes': 'maxPendingHandshakes',
  'handshake-timeout': 'handshakeTimeout',
  'origin-refused': 'allowedOrigins',
  banned: 'ban',
  'join-refused': 'onHandshake',
  'auth-refused': 'authenticate',
  'auth-timeout': 'authTimeout',
  'packet-rate': 'maxPacketsPerSecond',
  'byte-rate': 'maxBytesPerSecond',
  'message-too-big': 'inputBufferKb',
  'slow-peer': 'outputBufferKb',
  'silent-peer': 'pingInterval',
  'no-descriptor': 'ulimit -n'
} as const

/** Name of a limit. */
export type LimitName = keyof typeof limits

/** The client that a limit applies to, as far as it is known. */
export interface LimitDetails {
  /** Id of the peer, or of the client that is authenticating. */
  readonly peer?: number
  /** Its room. */
  readonly room?: string
  /** Its IP address. */
  readonly address?: string | undefined
  /** Origin of the page, which is not allowed. */
  readonly origin?: string | undefined
  /** HTTP status of the application's refusal (`join-refused`). */
  readonly status?: number
  /** Reason of that refusal. */
  readonly reason?: string | undefined
  /** What the system reports (`no-descriptor`). */
  readonly error?: unknown
}
