/**
 * All errors of this package by code: the name of Godot's Error constant, or a kebab-case name if Godot has none.
 * `number` is the value of Godot's constant, `status` the HTTP status of responses with this error, `isLobby` whether
 * only the lobby has it.
 */
export const errors = {
  FAILED: { number: 1, status: 409, message: 'The peer is no longer connected' },
  ERR_UNAVAILABLE: { number: 2, status: 503, message: 'No packet is available' },
  ERR_UNCONFIGURED: { number: 3, status: 409, message: 'The mode or option that this needs is not set' },
  ERR_UNAUTHORIZED: { number: 4, status: 403, message: 'Decoding objects is not allowed' },
  ERR_OUT_OF_MEMORY: { number: 6, status: 503, message: 'The output buffer is full' },
  ERR_CANT_CREATE: { number: 20, status: 400, message: 'Cannot open the listener' },
  ERR_ALREADY_IN_USE: { number: 22, status: 409, message: 'Already listening, or the port or address is unavailable' },
  ERR_INVALID_DATA: { number: 30, status: 400, message: 'Malformed data' },
  ERR_INVALID_PARAMETER: { number: 31, status: 400, message: 'Invalid parameter' },
  ERR_ALREADY_EXISTS: { number: 32, status: 409, message: 'A room of this name already exists' },
  ERR_DOES_NOT_EXIST: { number: 33, status: 404, message: 'No such peer or room' },
  'bad-handshake': { status: 400, message: 'Invalid WebSocket handshake (RFC 6455)' },
  'sub-protocol-mismatch': { status: 400, message: 'No matching subprotocol' },
  'upgrade-required': { status: 426, message: 'This is a WebSocket endpoint: an upgrade request is required' },
  'origin-refused': { status: 403, message: 'Origin not allowed' },
  banned: { status: 403, message: 'The address is banned' },
  'join-refused': { status: 403, message: 'Refused by onHandshake' },
  'join-failed': { status: 500, message: 'The server failed; see its log' },
  'address-limit': { status: 429, message: 'Too many connections from this address' },
  'join-rate': { status: 429, message: 'Too many joins from this address' },
  'invalid-room-name': {
    status: 400,
    message: 'Invalid room name: expected 1 to 64 letters, digits, dots, hyphens or underscores, but not . or ..'
  },
  'room-not-found': { status: 404, message: 'No such room' },
  'room-full': { status: 503, message: 'The room is full' },
  'room-locked': { status: 503, message: 'The room is locked' },
  'too-many-rooms': { status: 503, message: 'Too many rooms' },
  'room-rate': { status: 429, message: 'Too many rooms opened from this address' },
  'server-full': { status: 503, message: 'The server is full' },
  'too-many-handshakes': { status: 503, message: 'Too many pending handshakes' },
  'not-listening': { status: 503, message: 'The server is not listening' },
  'refusing-connections': { status: 503, message: 'The server is refusing new connections' },
  'cluster-unavailable': { status: 503, message: 'The cluster is not reachable' },
  'handshake-timeout': { status: 408, message: 'Handshake timed out' },
  'lobby-rate': { status: 429, message: 'Too many requests from this address', isLobby: true },
  'lobby-create': { status: 403, message: 'This lobby does not open rooms', isLobby: true },
  'lobby-no-match': { status: 404, message: 'No room matches', isLobby: true }
} as const satisfies Record<string, { number?: number, status: number, message: string, isLobby?: true }>

/** Code of an error: the name of Godot's constant, or a kebab-case name. */
export type ErrorCode = keyof typeof errors

/** An error of this package; [errors.md](errors.md) lists all. */
export class GodotError extends Error {
  /** Stable name of the error. */
  readonly code: ErrorCode
  /** Number of Godot's Error, undefined for errors that Godot does not have. */
  readonly number: number | undefined
  /** HTTP status of a response that reports the error. */
  readonly statusCode: number

  /** `message` and `statusCode` default to those of the error. */
  constructor (code: ErrorCode, message: string = errors[code].message, statusCode: number = errors[code].status) {
    super(message)
    this.name = 'GodotError'
    this.code = code
    this.number = godotNumber(code)
    this.statusCode = statusCode
  }
}

/** The error that there is no peer with this id. */
export function noSuchPeer (id: unknown): GodotError {
  return new GodotError('ERR_DOES_NOT_EXIST', `peer ${String(id)} does not exist`)
}

/** The error that there is no room of this name. */
export function noSuchRoom (name: unknown): GodotError {
  return new GodotError('ERR_DOES_NOT_EXIST', `room ${JSON.stringify(String(name))} does not exist`)
}

/** The error that there is a room of this name already. */
export function roomExists (name: string): GodotError {
  return new GodotError('ERR_ALREADY_EXISTS', `room ${JSON.stringify(name)} already exists`)
}

/** Godot's Error number of a code, undefined where Godot has none. */
function godotNumber (code: ErrorCode): number | undefined {
  return (errors[code] as { number?: number }).number
}
