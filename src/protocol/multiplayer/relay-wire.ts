import type { RelayFault } from './relay-packet.ts'

/** Why a message goes nowhere, as far as its bytes tell; `own-target`: it is for its sender. */
export type WireFault = RelayFault | 'own-target' | 'unknown-target'

/** How the two sides of one version of Godot prove themselves to each other before either is let in. */
export interface AuthWire {
  /** Data for the other side; without any: "I am done". */
  encode (data: Uint8Array): Uint8Array
  /** Where in the message bytes[start..end) the data starts, -1 when it is another message. */
  dataAt (bytes: Uint8Array, start: number, end: number): number
}

/**
 * How one version of Godot puts into messages what peers and the server tell each other. Ids of peers are 2 .. 2147483647. A message of a
 * peer is read in place, by questions that allocate nothing: first `fault`; the others are for messages without one.
 */
export interface RelayWire {
  /** Bytes that a message must be smaller than the buffer it is read into. */
  readonly slack: number
  /** Bytes that a packet of the application grows by. */
  readonly overhead: number
  /** How peers prove themselves, where this version knows of that. */
  readonly auth: AuthWire | undefined
  /** What a newcomer is told at once: its id, and that the server is there. */
  welcome (id: number): readonly Uint8Array[]
  /** What others are told of a newcomer, and it of them. */
  added (id: number): Uint8Array
  /** What others are told of one that left. */
  removed (id: number): Uint8Array
  /** Bytes of the server's application, to all (0), to one, or to all but one (-id). */
  data (to: number, bytes: Uint8Array): Uint8Array
  /** A packet of remote calls, of the server's, to the same. */
  call (to: number, packet: Uint8Array): Uint8Array
  /** Why the message bytes[start..end) of the peer `sender` goes nowhere, if it does not. */
  fault (bytes: Uint8Array, start: number, end: number, sender: number): WireFault | undefined
  /** Whom a message is for: 0 all, 1 the server, an id, -id all but that one. */
  target (bytes: Uint8Array, start: number): number
  /** Makes a message of `sender` what its receivers get, all of them the same. */
  stamp (bytes: Uint8Array, start: number, sender: number): void
  /** Where the packet of remote calls starts that the server gets with a message, -1 when it gets bytes for the application, or cannot tell. */
  callAt (bytes: Uint8Array, start: number): number
  /** Where what a message carries starts, whatever it is. */
  contentAt (bytes: Uint8Array, start: number): number
  /** Where the bytes for the application start, if it is those. */
  dataAt (bytes: Uint8Array, start: number): number
}
