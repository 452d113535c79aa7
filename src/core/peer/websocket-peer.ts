import { GodotError } from '../../error.ts'
import { checkClose, closeCode } from '../../protocol/websocket/close-code.ts'
import type { VariantCodec } from '../../protocol/variant/variant-codec.ts'
import type { PeerHandshake } from '../admission/peer-handshake.ts'
import type { Room } from '../room/room.ts'
import { PacketPeer } from './packet-peer.ts'
import type { Packet } from './packet-queue.ts'
import type { PeerEnd, PeerState } from './peer-end.ts'
import { writeMode } from './write-mode.ts'

/** What is sent to a peer, and how. */
export interface PeerTraffic {
  readonly packetsOut: number
  readonly bytesOut: number
  readonly bufferedAmount: number
  readonly connection: { setNoDelay (enabled: boolean): void }
}

/** What a peer needs of the session that runs its connection, here or on another node. */
export interface PeerBackend {
  readonly id: number
  readonly protocol: string
  readonly connectedAt: number
  readonly age: number
  readonly handshake: PeerHandshake | undefined
  data: unknown
  readonly state: PeerState
  readonly isOpen: boolean
  readonly isPaused: boolean
  readonly packetsIn: number
  readonly bytesIn: number
  readonly outbox: PeerTraffic
  readonly end: PeerEnd | undefined
  readonly address: string
  readonly port: number
  readonly wasStringPacket: boolean
  readonly writeMode: number
  readonly unreadPackets: number
  /** The same for an application, which is expected to read them. */
  countUnread (): number
  readonly variants: VariantCodec
  readonly room: Room
  readonly roomName: string
  moveTo (room: Room): void
  ended (): Promise<PeerEnd>
  setWriteMode (mode: number): void
  send (bytes: Uint8Array, isText: boolean): void
  takePacket (): Packet
  close (cause: 'server', code: number, reason: string): void
}

/**
 * One connected client (Godot's WebSocketPeer). A node does not know the traffic of clients that are connected to
 * another node of the cluster: their counts of packets and bytes and what is buffered are 0, `isPaused` is false,
 * `state` is never `closing`, and `setNoDelay` has no effect.
 */
export class WebSocketPeer extends PacketPeer {
  readonly #session: PeerBackend

  /** @internal Created by the server; `getPeer` and `peers` return it. */
  constructor (session: PeerBackend) {
    super()
    this.#session = session
  }

  /** Id of the peer, 2..2147483647. */
  get id (): number {
    return this.#session.id
  }

  /** Negotiated subprotocol, '' if none. */
  get protocol (): string {
    return this.#session.protocol
  }

  /** When the peer connected, in milliseconds since 1970. */
  get connectedAt (): number {
    return this.#session.connectedAt
  }

  /** Seconds since it connected; unlike `connectedAt` independent of changes of the date, for a peer of this node. */
  get age (): number {
    return this.#session.age
  }

  /**
   * Its upgrade request: path and headers. Tokens, and all headers that may contain a secret, are masked. Undefined for
   * a peer of another node of a cluster.
   */
  get handshake (): PeerHandshake | undefined {
    return this.#session.handshake
  }

  /** Application data of the peer: set by option `onHandshake`, free to change. */
  get data (): unknown {
    return this.#session.data
  }

  set data (data: unknown) {
    this.#session.data = data
  }

  /** State of the connection. */
  get state (): PeerState {
    return this.#session.state
  }

  /** Whether packets can be sent and received. */
  get isOpen (): boolean {
    return this.#session.isOpen
  }

  /** Whether reading is paused: the input buffer is full, a rate limit applies, or (without autoPoll) a poll is due. */
  get isPaused (): boolean {
    return this.#session.isPaused
  }

  /**
   * The room that the peer is in; `main` without option `rooms`. In a cluster, throws ERR_UNAVAILABLE for a peer of
   * another node whose room has no peers here.
   */
  get room (): Room {
    return this.#session.room
  }

  /** Name of that room; unlike `room` also of a peer on another node whose room has no peers here. */
  get roomName (): string {
    return this.#session.roomName
  }

  /**
   * Moves the peer to another room of its server: it leaves the one and joins the other, on the same connection and
   * under the same id. Listeners of the signals find it in its new room. Throws FAILED unless the peer is open and
   * its room has signalled that it is there (not in `peer_connected` of its `multiplayer`, nor while it is being
   * moved), ERR_UNAVAILABLE for a peer of another node of a cluster, ERR_DOES_NOT_EXIST for a room that is closing,
   * closed or of another server, `room-full`. A locked room can be moved to.
   */
  moveTo (room: Room): void {
    this.#session.moveTo(room)
  }

  /** Packets received from the peer. */
  get packetsIn (): number {
    return this.#session.packetsIn
  }

  /** Packets sent to the peer. */
  get packetsOut (): number {
    return this.#session.outbox.packetsOut
  }

  /** Payload bytes received from the peer. */
  get bytesIn (): number {
    return this.#session.bytesIn
  }

  /** Payload bytes sent to the peer. */
  get bytesOut (): number {
    return this.#session.outbox.bytesOut
  }

  /** How the peer ended, undefined while it has not. */
  get end (): PeerEnd | undefined {
    return this.#session.end
  }

  /** Resolves when the peer has ended. */
  async ended (): Promise<PeerEnd> {
    return await this.#session.ended()
  }

  /** True until the connection has ended, also while it is closing. Godot: WebSocketPeer.is_connected_to_host. */
  isConnectedToHost (): boolean {
    return this.#session.state !== 'ended'
  }

  /** IP address of the client, IPv4 dotted also on a dual-stack socket. Godot: WebSocketPeer.get_connected_host. */
  getConnectedHost (): string {
    return this.#session.address
  }

  /** TCP port of the client. Godot: WebSocketPeer.get_connected_port. */
  getConnectedPort (): number {
    return this.#session.port
  }

  /**
   * Whether the packet read last was a text message; false before the first one.
   * Godot: WebSocketPeer.was_string_packet.
   */
  wasStringPacket (): boolean {
    return this.#session.wasStringPacket
  }

  /** Whether `putPacket` sends text (0) or binary (1) messages; default 1. Godot: WebSocketPeer.get_write_mode. */
  getWriteMode (): number {
    return this.#session.writeMode
  }

  /**
   * Makes `putPacket` send text (0) or binary (1) messages; throws ERR_INVALID_PARAMETER for other values.
   * Godot: WebSocketPeer.set_write_mode.
   */
  setWriteMode (mode: number): void {
    if (mode !== writeMode.TEXT && mode !== writeMode.BINARY) {
      throw new GodotError(
        'ERR_INVALID_PARAMETER', `invalid write mode ${String(mode)}: expected 0 (text) or 1 (binary)`
      )
    }
    this.#session.setWriteMode(mode)
  }

  /** Disables Nagle's algorithm (true, the default) or enables it. Godot: WebSocketPeer.set_no_delay. */
  setNoDelay (enabled: boolean): void {
    this.#session.outbox.connection.setNoDelay(enabled)
  }

  /** Bytes waiting to be sent. Godot: WebSocketPeer.get_current_outbound_buffered_amount. */
  getCurrentOutboundBufferedAmount (): number {
    return this.#session.outbox.bufferedAmount
  }

  /** Number of unread packets. Godot: PacketPeer.get_available_packet_count. */
  getAvailablePacketCount (): number {
    return this.#session.countUnread()
  }

  /**
   * Sends one message in the write mode; throws FAILED unless open, ERR_OUT_OF_MEMORY when the output buffer is full
   * (of another node: when the message is too large), ERR_INVALID_PARAMETER for anything but bytes. The bytes are
   * copied, except a packet of 64 KiB or more that was received from a client: it must not change after this call.
   * Godot: PacketPeer.put_packet.
   */
  putPacket (bytes: Uint8Array): void {
    this.#session.send(bytes, this.#session.writeMode === writeMode.TEXT)
  }

  /** Sends one message as text or binary, regardless of the write mode; throws as `putPacket`. */
  send (bytes: Uint8Array, isText: boolean): void {
    this.#session.send(bytes, isText)
  }

  /**
   * Sends a close frame, with option `lastWords` once the client has read what was sent before, and waits up to
   * `closeTimeout` seconds for the answer. Does nothing on a closing peer: the first code stands. Throws
   * ERR_INVALID_PARAMETER for a code or reason that a close frame cannot carry. Godot: WebSocketPeer.close.
   */
  close (code: number = closeCode.NORMAL, reason: string = ''): void {
    checkClose(code, reason)
    this.#session.close('server', code, reason)
  }

  protected get variants (): VariantCodec {
    return this.#session.variants
  }

  protected takePacket (): Packet {
    return this.#session.takePacket()
  }
}
