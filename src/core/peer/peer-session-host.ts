import type { PeerEnd } from './peer-end.ts'
import type { InputSettings } from './peer-input.ts'
import type { PeerSession } from './peer-session.ts'
import type { RateLimit } from './rate/rate-limit.ts'
import type { Room } from '../room/room.ts'
import type { RoomOutbox } from '../room/relay/room-outbox.ts'
import type { Settings } from '../server/settings.ts'

/** What a session needs of its server. */
export interface PeerServer extends InputSettings {
  readonly settings: Settings
  /** Calls `callback` outside of the current call: in the next loop turn or, without autoPoll, in the next poll. */
  defer (callback: () => void): void
}

/** The room of a session: handles what its peers send. */
export interface PeerSessionHost {
  /** What applications see of the room. */
  readonly room: Room
  readonly name: string
  /** Outgoing packets of the room. */
  readonly outbox: RoomOutbox
  /** Whether the application reads packets, as far as is known. */
  readonly isRead: boolean
  /** Whether packets are passed to a listener instead of being queued. */
  readonly isPushed: boolean
  /** A whole message of an open peer: bytes[start..end), valid until the call returns. */
  receive (session: PeerSession, bytes: Uint8Array, start: number, end: number, isText: boolean): void
  /** A packet was added to the peer's own queue. */
  dataReceived (session: PeerSession): void
  /** No more packets will come from the peer: if one of its packets waits for space, it is queued now. */
  senderEnded (session: PeerSession): void
  /** The write mode has changed. */
  writeModeChanged (session: PeerSession): void
  /** The peer exceeded a rate limit and is paused. */
  throttled (session: PeerSession, limit: RateLimit['exceeded']): void
  /** Whether packets of the peer wait for an application that reads after the poll instead of in a signal. */
  isReadAfterPoll (session: PeerSession): boolean
  /** Packets of the peer were dropped: they exceeded a rate limit when the peer left, or nobody reads. */
  dropped (session: PeerSession, reason: 'over-rate' | 'unread', count: number): void
  /** The application has read packets of a peer, or asked how many there are. */
  noteReader (): void
  /** The client sent a close frame. */
  closeRequested (session: PeerSession, code: number, reason: string): void
  /** The peer has ended; called once. */
  ended (session: PeerSession, end: PeerEnd): void
  /** The socket is closed; called once, after `ended`. */
  released (session: PeerSession): void
  /** Moves the peer to another room, which is then its host. */
  move (session: PeerSession, room: Room): void
}
