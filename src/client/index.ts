export { ApiError, PeerServerClient } from './client.ts'
export type { CallOptions, ClientEvent, ClientOptions, FeedEventData } from './client.ts'
export type { Operations, Peer, Problem, State } from './operations.ts'
