import type { RelayFault } from './relay-packet.ts'

/** Why a message is dropped, as far as its bytes determine it; `own-target`: it is addressed to its sender. */
export type WireFault = RelayFault | 'own-target' | 'unknown-target'

/**
 * What packets are about besides the application: `path` announces or confirms a node path, and is handled even if no
 * application uses remote calls; `scene` is of spawners and synchronizers.
 */
export type Subject = 'path' | 'scene'

/** Authentication messages of one version of Godot, which are exchanged before a client joins. */
export interface AuthWire {
  /** Encodes data for the other side; without data: "complete". */
  encode (data: Uint8Array): Uint8Array
  /** Offset of the data in the message bytes[start..end), -1 if it is another message. */
  dataAt (bytes: Uint8Array, start: number, end: number): number
}

/**
 * Messages of one version of Godot between peers and server. Ids of peers are 2 .. 2147483647. A message of a peer is
 * read in place, without allocation: first it is checked by `fault`; the other methods are for valid messages.
 */
export interface RelayWire {
  /** Bytes by which a message must be smaller than the buffer it is read into. */
  readonly slack: number
  /** Bytes that are added to a packet of the application. */
  readonly overhead: number
  /** Whether clients that see nobody but the server send packets to all (0) or to all but one (-id), too. */
  readonly hasSharedTargets: boolean
  /** Authentication, if this version has it. */
  readonly auth: AuthWire | undefined
  /** Messages to a newcomer: its id, and the server as a peer. */
  welcome (id: number): readonly Uint8Array[]
  /** Announces a peer. */
  added (id: number): Uint8Array
  /** Announces that a peer has left. */
  removed (id: number): Uint8Array
  /** Encodes bytes of the server's application: to all (0), to one, or to all but one (-id). */
  data (to: number, bytes: Uint8Array): Uint8Array
  /** Encodes a packet of remote calls of the server. */
  call (to: number, packet: Uint8Array): Uint8Array
  /** Why the message bytes[start..end) of the peer `sender` must be dropped; undefined if it is valid. */
  fault (bytes: Uint8Array, start: number, end: number, sender: number): WireFault | undefined
  /** Target of a message: 0 all, 1 the server, an id, -id all but that one. */
  target (bytes: Uint8Array, start: number): number
  /** Changes a message of `sender`, in place, into the one that all its receivers get. */
  stamp (bytes: Uint8Array, start: number, sender: number): void
  /**
   * Offset of the packet of remote calls in a message to the server, -1 for bytes of the application, or if it cannot
   * be determined.
   */
  callAt (bytes: Uint8Array, start: number): number
  /** What a message to the server is about, as far as that is known. */
  subject (bytes: Uint8Array, start: number, end: number): Subject | undefined
  /** Offset of the payload, whatever it is. */
  contentAt (bytes: Uint8Array, start: number): number
  /** Offset of the bytes for the application, if the payload is those. */
  dataAt (bytes: Uint8Array, start: number): number
}
