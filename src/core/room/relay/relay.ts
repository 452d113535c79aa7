import { target } from '../../../protocol/multiplayer/relay-packet.ts'
import type { RelayWire } from '../../../protocol/multiplayer/relay-wire.ts'
import { opcode } from '../../../protocol/websocket/frame.ts'
import { writeMode } from '../../peer/write-mode.ts'
import type { PeerSession } from '../../peer/peer-session.ts'
import type { Monitor } from '../../server/monitor.ts'
import type { Settings } from '../../server/settings.ts'
import type { PeerTable } from '../peer-table.ts'
import type { RoomLink, Sent } from '../room-link.ts'
import type { RoomOutbox } from './room-outbox.ts'
import type { InboxSender, ServerInbox } from '../server-inbox.ts'

const NOBODY: readonly PeerSession[] = []

/** What a relay works with. */
export interface RelayParts {
  readonly settings: Settings
  readonly monitor: Monitor
  readonly members: PeerTable
  readonly outbox: RoomOutbox
  readonly inbox: ServerInbox
  /** Members on other nodes. */
  readonly link: RoomLink | undefined
}

/**
 * Routes packets between the members of a room and announces who joins and leaves (Godot's WebSocketMultiplayerPeer).
 */
export class Relay {
  readonly #wire: RelayWire
  readonly #parts: RelayParts
  /** Members in text mode: they get packets to all as single frames instead of through the room's outbox. */
  #inText: Set<PeerSession> | undefined
  /** Members that were announced as left, while listeners of the disconnect signals still find them. */
  #leaving: Set<number> | undefined

  constructor (wire: RelayWire, parts: RelayParts) {
    this.#wire = wire
    this.#parts = parts
  }

  /** Sends a client its id. It learns of the others when it has joined. */
  welcome (session: PeerSession): void {
    for (const packet of this.#wire.welcome(session.id)) this.#send(session, packet)
  }

  /** Announces members to each other; closing members too, because their leaving will be announced. */
  joined (session: PeerSession): void {
    const { settings, outbox } = this.#parts
    if (settings.options.serverRelay) {
      this.#announce(this.#wire.added(session.id), session)
      for (const id of this.#others(session)) this.#send(session, this.#wire.added(id))
    }
    // It may be slow already.
    if (!session.isOpen) return
    // The write mode may have been set while the client authenticated.
    if (session.writeMode === writeMode.TEXT) this.#addInText(session)
    else outbox.add(session.outbox)
  }

  /** Announces that a member has left; `deleted` follows. */
  left (session: PeerSession): void {
    this.#inText?.delete(session)
    this.#announceLeft(session.id, session)
  }

  /** A member moves to another room: the others see it leave, and it sees them leave. */
  movedOut (session: PeerSession): void {
    this.left(session)
    if (!this.#parts.settings.options.serverRelay) return
    for (const id of this.#others(session)) this.#send(session, this.#wire.removed(id))
  }

  /** A member, wherever it is, or every member here sees the server (id 1) leave and join. */
  replaceServer (member?: number): void {
    for (const packet of [this.#wire.removed(target.SERVER), this.#wire.added(target.SERVER)]) {
      if (member === undefined) this.#announce(packet, undefined)
      else this.put(member, packet)
    }
  }

  /** Announces a peer that joined on another node. */
  announceJoined (id: number): void {
    if (this.#parts.settings.options.serverRelay) this.#announce(this.#wire.added(id), undefined)
  }

  /** Announces that a peer has left on another node; `deleted` follows. */
  announceLeft (id: number): void {
    this.#announceLeft(id, undefined)
  }

  #announceLeft (id: number, session: PeerSession | undefined): void {
    this.#leaving ??= new Set()
    this.#leaving.add(id)
    if (this.#parts.settings.options.serverRelay) this.#announce(this.#wire.removed(id), session)
  }

  /** A peer that was announced as left is no longer a member. */
  deleted (id: number): void {
    this.#leaving?.delete(id)
  }

  /** Whether a member was announced as left. */
  isLeaving (id: number): boolean {
    return this.#leaving?.has(id) === true
  }

  /** The write mode of a member has changed. */
  writeModeChanged (session: PeerSession): void {
    const { outbox } = this.#parts
    if (session.writeMode === writeMode.TEXT) {
      this.#addInText(session)
      outbox.remove(session.outbox)
    } else if (this.#inText?.delete(session) === true) outbox.add(session.outbox)
  }

  /** Routes one packet of a member: bytes[start..end), valid until the call returns. */
  relay (sender: PeerSession, bytes: Uint8Array, start: number, end: number): void {
    const wire = this.#wire
    const { settings, monitor, members, link } = this.#parts
    const fault = wire.fault(bytes, start, end, sender.id)
    if (fault !== undefined) return monitor.dropped(fault, sender.peer)
    const to = wire.target(bytes, start)
    if (to === target.SERVER) return this.#toServer(bytes, start, end, sender)
    if (!settings.options.serverRelay) {
      const isForServer = wire.hasSharedTargets && to <= target.ALL && to !== target.ALL_BUT_SERVER
      return isForServer ? this.#toServer(bytes, start, end, sender) : monitor.dropped('relay-off', sender.peer)
    }
    if (end - start > settings.maxPacketSize) return monitor.dropped('too-big', sender.peer)
    wire.stamp(bytes, start, sender.id)
    if (to > 0) return this.#toOne(bytes, start, end, sender, to)
    const excluded = to === target.ALL ? undefined : members.get(-to)
    monitor.packetsRelayed += this.#toAll(bytes, start, end, sender, excluded)
    link?.sentAll(sender.id, to, to !== target.ALL_BUT_SERVER)
    // Godot 3 also delivers a packet to all but the server to the server; we do not.
    if (to === target.ALL_BUT_SERVER) return
    // The room's home delivers it to the server, from the broadcast that it receives anyway.
    if (link?.isHome !== false) this.receiveForServer(sender, bytes, start, end)
  }

  /** A packet for the server alone. It is relayed only if the server is on another node. */
  #toServer (bytes: Uint8Array, start: number, end: number, sender: PeerSession): void {
    const { settings, monitor, link } = this.#parts
    if (link?.isHome !== false) return this.receiveForServer(sender, bytes, start, end)
    if (end - start > settings.maxPacketSize) return monitor.dropped('too-big', sender.peer)
    if (!link.sendToServer({ source: sender.id, bytes, start, end })) monitor.dropped('unread', sender.peer)
  }

  /** A packet of a member for the room's server: bytes[start..end), valid until the call returns. */
  receiveForServer (sender: InboxSender, bytes: Uint8Array, start: number, end: number): void {
    const { inbox } = this.#parts
    const wire = this.#wire
    const callAt = wire.callAt(bytes, start)
    const subject = wire.subject(bytes, start, end)
    if (callAt === -1) inbox.receiveData(sender, bytes, wire.dataAt(bytes, start), end, subject)
    else inbox.receiveCall(sender, bytes, callAt, end, subject)
  }

  /** A packet from another node for one member; returns the number of receivers: 0 if it is not here. */
  receiveFor (to: number, bytes: Uint8Array, start: number, end: number): 0 | 1 {
    const session = this.#parts.members.get(to)
    return session === undefined ? 0 : this.#sendPart(session, bytes, start, end)
  }

  /** A packet to all from another node, for members in text mode; others get it with the frames of the log. */
  receiveInText (bytes: Uint8Array, start: number, end: number, excluded: number): void {
    for (const session of this.#inText ?? NOBODY) {
      if (session.id !== excluded) this.#sendPart(session, bytes, start, end)
    }
  }

  /** Whether there are members in text mode, which get packets to all one by one. */
  get hasTextMembers (): boolean {
    return this.#inText !== undefined && this.#inText.size > 0
  }

  /**
   * Sends a packet of the server; false when the target does not exist. A target without space for it is closed as
   * slow.
   */
  put (to: number, packet: Uint8Array): boolean {
    if (to > target.SERVER) {
      const { link, members } = this.#parts
      const session = members.get(to)
      if (session === undefined) return link?.sendTo(to, opcode.BINARY, fromServer(packet)) === true
      this.#send(session, packet)
    } else if (to !== target.SERVER) {
      this.putHere(to, packet)
      this.#parts.link?.sentAll(target.SERVER, to, false)
    }
    return true
  }

  /**
   * Sends a packet of the server to the members on this node: all (0), or all but one (-id). Returns the number of
   * receivers.
   */
  putHere (to: number, packet: Uint8Array): number {
    return this.#toAll(packet, 0, packet.length, undefined, this.#parts.members.get(-to))
  }

  #toOne (bytes: Uint8Array, start: number, end: number, sender: PeerSession, to: number): void {
    const { members, monitor, link } = this.#parts
    const session = members.get(to)
    if (session !== undefined) monitor.packetsRelayed += this.#sendPart(session, bytes, start, end)
    else if (link?.sendTo(to, opcode.BINARY, { source: sender.id, bytes, start, end }) !== true) {
      monitor.dropped('unknown-target', sender.peer)
    }
  }

  /** Ids of the other members that a member sees: ascending, those on this node first. */
  * #others (session: PeerSession): IterableIterator<number> {
    const { members, link } = this.#parts
    for (const other of members) if (other !== session && !this.isLeaving(other.id)) yield other.id
    if (link !== undefined) for (const { id } of link.peers(0)) if (!this.isLeaving(id)) yield id
  }

  /** Sends bytes[start..end) to all members but two, and returns the number of receivers. */
  #toAll (
    bytes: Uint8Array, start: number, end: number, sender: PeerSession | undefined, excluded: PeerSession | undefined
  ): number {
    const alsoWithout = excluded === sender ? undefined : excluded?.outbox
    let receivers = this.#parts.outbox.sendAll(opcode.BINARY, bytes, start, end, sender?.outbox, alsoWithout)
    for (const session of this.#inText ?? NOBODY) {
      if (session !== sender && session !== excluded) receivers += this.#sendPart(session, bytes, start, end)
    }
    return receivers
  }

  #addInText (session: PeerSession): void {
    this.#inText ??= new Set()
    this.#inText.add(session)
  }

  #announce (packet: Uint8Array, subject: PeerSession | undefined): void {
    this.#parts.outbox.announce(opcode.BINARY, packet, subject?.outbox)
    for (const session of this.#inText ?? NOBODY) if (session !== subject) this.#send(session, packet)
  }

  #send (session: PeerSession, packet: Uint8Array): void {
    this.#sendPart(session, packet, 0, packet.length)
  }

  #sendPart (session: PeerSession, bytes: Uint8Array, start: number, end: number): 0 | 1 {
    if (!session.isOpen) return 0
    const { outbox } = this.#parts
    if (outbox.hasRelaySpace(session.outbox, end - start)) {
      const code = this.#inText?.has(session) === true ? opcode.TEXT : opcode.BINARY
      outbox.send(session.outbox, code, bytes, start, end)
      return 1
    }
    session.closeSlow()
    return 0
  }
}

function fromServer (bytes: Uint8Array): Sent {
  return { source: target.SERVER, bytes, start: 0, end: bytes.length }
}
