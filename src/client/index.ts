export { ApiError, PeerServerClient } from './client.ts'
export type { ClientEvent, ClientOptions } from './client.ts'
export type { Operations, Peer, Problem, State } from './operations.ts'
