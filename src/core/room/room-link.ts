import type { PeerEnd } from '../peer/peer-end.ts'
import type { PeerSession } from '../peer/peer-session.ts'
import type { WebSocketPeer } from '../peer/websocket-peer.ts'
import type { RoomEnd } from './room-life.ts'
import type { RoomOptions } from '../../options/option-types.ts'

/** A packet that a member of a room sent, or the server (id 1): bytes[start..end), valid until the call returns. */
export interface Sent {
  readonly source: number
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

/** The part of a room that is on other nodes of a cluster (option `cluster`). */
export interface RoomLink {
  /** Whether the room's server, with its application, is on this node. */
  readonly isHome: boolean
  /** Members on other nodes. */
  readonly size: number
  /** Places that are reserved for clients of other nodes. */
  readonly reserved: number
  has (id: number): boolean
  get (id: number): WebSocketPeer | undefined
  /** Members on other nodes with an id above `after`, ascending; they may come and go during the iteration. */
  peers (after: number): IterableIterator<WebSocketPeer>
  /** A member joined here. */
  joined (session: PeerSession): void
  /** A member left the room here: its connection has ended, or it moved to another room. */
  left (session: PeerSession, end: PeerEnd | undefined): void
  /**
   * The frame just appended to the room's outbox goes to all members elsewhere, except the one with the id `-to`, if
   * any; and to the room's server if `isForServer`.
   */
  sentAll (source: number, to: number, isForServer: boolean): void
  /** Sends a packet to one member elsewhere; false when there is none with this id. */
  sendTo (to: number, opcode: number, packet: Sent): boolean
  /** Sends a packet to the room's server, which is elsewhere; false when nobody is the room's home now. */
  sendToServer (packet: Sent): boolean
  /** The room's settings have changed here. */
  optionsChanged (changes: RoomOptions): void
  /** The room closes: its members elsewhere are closed too. */
  closing (end: RoomEnd): void
  /** State that the application stores with the room; rejects with cluster-unavailable. */
  readState (): Promise<Uint8Array | undefined>
  writeState (bytes: Uint8Array): Promise<void>
  /** The part of the room on this node is gone: closed, or (elsewhere than at home) empty. */
  closed (): void
}
