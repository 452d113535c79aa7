import { GodotError } from '../../error.ts'
import type { ServerOptions } from '../../options/option-types.ts'
import type { VariantCodec } from '../../protocol/variant/variant-codec.ts'
import type { WebSocketPeer } from '../peer/websocket-peer.ts'
import { SignalEmitter } from '../server/signals.ts'
import { MultiplayerAPI, multiplayerSignalNames } from './multiplayer-api.ts'
import type { MultiplayerParts, MultiplayerSignals } from './multiplayer-api.ts'
import { NodeTree } from './node-tree.ts'
import { Receiver } from './receiver.ts'
import { Replicator } from './replication/replicator.ts'
import { SceneReplication } from './replication/scene-replication.ts'
import type { RpcDrop } from '../server/log/drop-reason.ts'
import type { MovedPaths, RpcLink, RpcWire } from './wire/rpc-wire.ts'
import type { Wire } from './wire/wires.ts'

/** What a room provides for remote calls. */
export interface MultiplayerCoreHost {
  /** Bytes of the largest packet that can be sent. */
  readonly maxPacketSize: number
  /** Whether there is a peer that has not `joined` yet, but gets packets to all. */
  readonly isJoining: boolean
  /** Open peers, in no particular order. */
  openPeers (): Iterable<{ readonly id: number }>
  /** Whether a peer is one of them. */
  isOpen (id: number): boolean
  /** Throws ERR_OUT_OF_MEMORY for a packet of remote calls that is too large. */
  checkCall (packet: Uint8Array): void
  /** Sends a packet of remote calls: to all (0), to one, or to all but one (-id). ERR_UNCONFIGURED in plain mode. */
  putCall (to: number, packet: Uint8Array): void
  /** A packet of a peer was refused. */
  refused (reason: RpcDrop, peer: WebSocketPeer, details: object): void
  /** A handler or listener of the application threw or rejected. */
  failed (error: unknown, details: object): void
}

/** What a peer takes along to another room. */
export interface MovedPeer extends MovedPaths {
  /** Time of the last sync that it received; undefined if it may have received none. */
  readonly time: number | undefined
  /** Whether the room that it leaves has opened its remote calls, which then signal that it has left. */
  readonly wasCallable: boolean
}

/** Remote calls of one room: connects the wire with the nodes, and has the MultiplayerAPI that applications use. */
export class MultiplayerCore {
  /** What applications use. */
  readonly api: MultiplayerAPI
  readonly #connected: Set<number>
  readonly #parts: MultiplayerParts
  readonly #host: MultiplayerCoreHost

  constructor (host: MultiplayerCoreHost, wire: Wire, options: ServerOptions) {
    const connected = new Set<number>()
    const link: RpcLink = {
      connected,
      get areAllConnected () { return !host.isJoining },
      openPeers: () => host.openPeers(),
      isOpen: id => host.isOpen(id),
      check: packet => { host.checkCall(packet) },
      putTo: (to, packet) => { host.putCall(to, packet) }
    }
    const signals = new SignalEmitter<MultiplayerSignals>(multiplayerSignalNames, (error, signal) => {
      host.failed(error, { signal })
    })
    const nodes = new NodeTree()
    const receiver = new Receiver(host, nodes, signals)
    const rpc = wire.openRpc(link, receiver, options)
    this.#connected = connected
    this.#host = host
    const failed = (error: unknown, details: object): void => { host.failed(error, details) }
    const { exactTypes } = options
    const replication = replicationOf(host, link, rpc, wire.variants, exactTypes)
    receiver.replication = replication
    this.#parts = { link, wire: rpc, variants: wire.variants, nodes, signals, replication, exactTypes, failed }
    this.api = new MultiplayerAPI(this.#parts)
  }

  /** A peer has joined: the server and the other peers were announced to it. */
  joined (id: number): void {
    const { replication, signals } = this.#parts
    this.#connected.add(id)
    try {
      replication?.replicator.joined(id)
    } catch (error) {
      // The buffers are too small for what is spawned; the peer has joined nevertheless.
      this.#host.failed(error, { peer: id })
    }
    signals.emit('network_peer_connected', id)
    signals.emit('peer_connected', id)
  }

  /**
   * A peer is about to move to another room. What was spawned for it disappears, and it can no longer be called;
   * returns what it takes along.
   */
  movingOut (id: number): MovedPeer {
    const { wire, replication } = this.#parts
    replication?.replicator.movingOut(id)
    const moved = { ...wire.pathsOf(id), time: replication?.replicator.time, wasCallable: true }
    this.#connected.delete(id)
    wire.forgetPeer(id)
    return moved
  }

  /** A peer has moved to another room. */
  movedOut (id: number): void {
    this.#parts.replication?.left(id)
    this.#signalLeft(id)
  }

  /** A peer has moved here. */
  adopt (id: number, moved: MovedPeer): void {
    const { wire, replication } = this.#parts
    wire.adopt(id, moved)
    if (moved.time !== undefined) replication?.replicator.adopt(moved.time)
  }

  /**
   * A peer is about to leave, and may come back as it is, with the paths and spawned nodes that it has: then the
   * returned function has to be called before it has joined.
   */
  remember (id: number): () => void {
    const { wire, replication } = this.#parts
    const recallPaths = wire.remember?.(id)
    const hideAll = replication?.replicator.remember(id)
    return () => {
      recallPaths?.()
      hideAll?.()
    }
  }

  /** A peer has left. */
  left (id: number): void {
    const { wire, replication } = this.#parts
    const wasConnected = this.#connected.delete(id)
    // Before listeners of `despawned`: a call to all counts the peers that have confirmed its path.
    wire.forgetPeer(id)
    replication?.left(id)
    if (wasConnected) this.#signalLeft(id)
  }

  #signalLeft (id: number): void {
    const { signals } = this.#parts
    signals.emit('network_peer_disconnected', id)
    signals.emit('peer_disconnected', id)
  }

  /** A peer sent a packet of remote calls to the server; the bytes are valid until the call returns. */
  receive (sender: WebSocketPeer, packet: Uint8Array): void {
    try {
      this.#parts.wire.receive(sender, packet)
    } catch (error) {
      this.#refuseMalformed(sender, error)
    }
  }

  /** A peer sent bytes for the application to the server. */
  receiveData (sender: WebSocketPeer, bytes: Uint8Array): void {
    try {
      this.#parts.wire.receiveData(sender, bytes)
    } catch (error) {
      this.#refuseMalformed(sender, error)
    }
  }

  #refuseMalformed (sender: WebSocketPeer, error: unknown): void {
    if (!(error instanceof GodotError)) throw error
    this.#host.refused('rpc-malformed', sender, { why: error.message })
  }
}

/** Undefined for Godot 3, which has no spawners and synchronizers. */
function replicationOf (
  host: MultiplayerCoreHost,
  link: RpcLink,
  { announcer }: RpcWire,
  codec: VariantCodec,
  exactTypes: boolean
): MultiplayerParts['replication'] {
  if (announcer === undefined) return undefined
  return new SceneReplication(new Replicator(link, {
    codec,
    announcer,
    exactTypes,
    get maxPacketSize () { return host.maxPacketSize },
    failed: (error, details) => { host.failed(error, details) }
  }))
}
