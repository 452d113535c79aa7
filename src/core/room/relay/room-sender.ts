import { GodotError, noSuchPeer } from '../../../error.ts'
import { target } from '../../../protocol/multiplayer/relay-packet.ts'
import { opcode } from '../../../protocol/websocket/frame.ts'
import { checkPacket } from '../../check-packet.ts'
import type { PeerSession } from '../../peer/peer-session.ts'
import type { WebSocketPeer } from '../../peer/websocket-peer.ts'
import { writeMode } from '../../peer/write-mode.ts'
import type { Settings } from '../../server/settings.ts'
import type { PeerTable } from '../peer-table.ts'
import type { RoomLink } from '../room-link.ts'
import type { Relay } from './relay.ts'
import type { RoomOutbox } from './room-outbox.ts'

/** The room of a `RoomSender`. */
export interface RoomSenderHost {
  readonly members: PeerTable
  readonly outbox: RoomOutbox
  readonly relay: Relay
  readonly link: RoomLink | undefined
  /** Members that can be sent to, wherever they are. */
  openPeers (): Iterable<{ readonly id: number }>
}

const nobody: ReadonlySet<number> = new Set()

/** What the server sends to the members of a room, on this node and (option `cluster`) on others. */
export class RoomSender {
  readonly #settings: Settings
  readonly #room: RoomSenderHost

  constructor (settings: Settings, room: RoomSenderHost) {
    this.#settings = settings
    this.#room = room
  }

  /**
   * Sends a packet of the application (multiplayer mode): to all (0), to one (id) or to all but one (-id).
   * ERR_OUT_OF_MEMORY for a packet that is too large, or that does not fit the output buffer of the one.
   */
  putData (to: number, bytes: Uint8Array): void {
    const { wire, maxDataSize } = this.#settings
    this.#checkMode()
    checkPacket(bytes, maxDataSize)
    const packet = wire.relay.data(to, bytes)
    this.#checkSpace(to, packet.length)
    this.#put(to, packet)
  }

  /** Throws ERR_OUT_OF_MEMORY if the output buffer of one receiver, on this node, has no space for a packet. */
  #checkSpace (to: number, size: number): void {
    const { members, outbox } = this.#room
    const session = to > target.SERVER ? members.get(to) : undefined
    if (session?.isOpen !== true || outbox.hasSpace(session.outbox, size)) return
    throw new GodotError('ERR_OUT_OF_MEMORY')
  }

  /** Sends a packet of remote calls of the server, to targets as those of `putData`. */
  putCall (to: number, packet: Uint8Array): void {
    this.#put(to, this.#callOf(to, packet))
  }

  /** Throws as `putCall` does for a packet that cannot be sent. */
  checkCall (packet: Uint8Array): void {
    this.#callOf(target.ALL, packet)
  }

  #callOf (to: number, packet: Uint8Array): Uint8Array {
    const { wire, maxPacketSize } = this.#settings
    this.#checkMode()
    const call = wire.relay.call(to, packet)
    checkPacket(call, maxPacketSize)
    return call
  }

  /**
   * Sends a packet in either mode and returns the number of receivers; ERR_DOES_NOT_EXIST for an unknown id,
   * ERR_OUT_OF_MEMORY for a packet that is too large, ERR_INVALID_PARAMETER for an invalid target, or data that is
   * not bytes.
   */
  broadcast (to: number, bytes: Uint8Array, isText: boolean): number {
    checkPacket(bytes, this.#settings.maxDataSize)
    if (!Number.isInteger(to)) {
      throw new GodotError('ERR_INVALID_PARAMETER', `invalid target ${String(to)}: expected 0, an id or -id`)
    }
    const { members, link } = this.#room
    if (to > 0) {
      const elsewhere = members.has(to) ? undefined : link?.get(to)
      if (elsewhere !== undefined) return this.sendElsewhere(elsewhere, bytes, isText)
      this.#sendTo(this.#member(to), bytes, isText)
      return 1
    }
    const receivers = this.broadcastHere(to, bytes, isText)
    if (link === undefined) return receivers
    link.sentAll(target.SERVER, to, false)
    return receivers + link.size - (link.has(-to) ? 1 : 0)
  }

  /**
   * Sends a packet in either mode to the members on this node: all (0), or all but one (-id). Returns the number of
   * receivers.
   */
  broadcastHere (to: number, bytes: Uint8Array, isText: boolean): number {
    const { members, outbox, relay } = this.#room
    const { options, wire } = this.#settings
    if (options.gdMpApi) return relay.putHere(to, wire.relay.data(to, bytes))
    const code = isText ? opcode.TEXT : opcode.BINARY
    return outbox.sendAll(code, bytes, 0, bytes.length, members.get(-to)?.outbox, undefined)
  }

  /** Sends a packet to a peer of another node. */
  sendElsewhere (peer: WebSocketPeer, bytes: Uint8Array, isText: boolean): 1 {
    const { options, wire, maxDataSize } = this.#settings
    checkPacket(bytes, maxDataSize)
    if (options.gdMpApi) peer.putPacket(wire.relay.data(peer.id, bytes))
    else peer.send(bytes, isText)
    return 1
  }

  /**
   * Sends a packet in either mode to all members except these and returns the number of receivers; one whose output
   * buffer is full does not get it. ERR_OUT_OF_MEMORY for a packet that is too large.
   */
  broadcastExcept (excluded: ReadonlySet<number>, bytes: Uint8Array, isText: boolean): number {
    checkPacket(bytes, this.#settings.maxDataSize)
    return this.#sendToEach(this.#room.openPeers(), excluded, bytes, isText)
  }

  /** The same to the members on this node. */
  broadcastHereExcept (excluded: ReadonlySet<number>, bytes: Uint8Array, isText: boolean): number {
    return this.#sendToEach(this.#room.members.open(), excluded, bytes, isText)
  }

  /** The same to these members on this node. */
  broadcastHereTo (ids: ReadonlySet<number>, bytes: Uint8Array, isText: boolean): number {
    return this.#sendToEach([...this.#room.members.open()].filter(({ id }) => ids.has(id)), nobody, bytes, isText)
  }

  #sendToEach (
    peers: Iterable<{ readonly id: number }>, excluded: ReadonlySet<number>, bytes: Uint8Array, isText: boolean
  ): number {
    let receivers = 0
    for (const { id } of peers) {
      if (excluded.has(id)) continue
      try {
        receivers += this.broadcast(id, bytes, isText)
      } catch (error) {
        if (!(error instanceof GodotError) || error.code !== 'ERR_OUT_OF_MEMORY') throw error
      }
    }
    return receivers
  }

  #sendTo (session: PeerSession, bytes: Uint8Array, isText: boolean): void {
    const { options, wire } = this.#settings
    if (options.gdMpApi) session.send(wire.relay.data(session.id, bytes), session.writeMode === writeMode.TEXT)
    else session.send(bytes, isText)
  }

  #member (id: number): PeerSession {
    const session = this.#room.members.get(id)
    if (session === undefined) throw noSuchPeer(id)
    return session
  }

  #checkMode (): void {
    if (!this.#settings.options.gdMpApi) throw new GodotError('ERR_UNCONFIGURED', 'option gdMpApi is not set')
  }

  #put (to: number, packet: Uint8Array): void {
    if (!this.#room.relay.put(to, packet)) throw new GodotError('FAILED', `peer ${to} does not exist`)
  }
}
