import { target } from '../../protocol/multiplayer/relay-packet.ts'
import type { Variant } from '../../protocol/variant/variant-types.ts'
import type { NodeMembers } from './node-members.ts'
import type { Replication } from './replication/replication.ts'
import type { Synchronizer, SynchronizerOptions } from './replication/synchronizer.ts'
import type { RpcMode } from './rpc-mode.ts'
import type {
  MethodHandler, MethodName, NodeSurface, PropertyName, PropertySetter, Sendable, SendableArguments
} from './rpc-surface.ts'

/**
 * One node of the clients' scene tree, as the server takes part in it (Godot's Node): handlers for what clients call,
 * and calls to the clients. `Members` is an interface of its remote methods and properties; without one, every name and
 * value is accepted.
 */
export class RemoteNode<Members = any> {
  readonly #members: NodeMembers

  /** @internal `MultiplayerAPI.node` creates nodes. */
  constructor (members: NodeMembers) {
    this.#members = members
  }

  /** Its path relative to the root, such as `Main/Pawn`. */
  get path (): string {
    return this.#members.path
  }

  /** The members it was declared with, if it was. */
  get surface (): NodeSurface | undefined {
    return this.#members.surface
  }

  // ---- what clients may call ----

  /**
   * Lets peers call a method: `remote func name(...)`. What the handler throws or rejects with is logged; the peer
   * stays connected. ERR_INVALID_PARAMETER for an unknown mode, or a method that is not declared; ERR_DOES_NOT_EXIST
   * once the node was freed.
   */
  method<Name extends MethodName<Members>> (mode: RpcMode, name: Name, handler: MethodHandler<Members[Name]>): this {
    this.#members.register('method', mode, name, handler as (sender: number, ...values: any[]) => unknown)
    return this
  }

  /**
   * Lets peers set a property: `remote var name setget setter`. Errors as `method`; and with Godot 4, which has no
   * remote properties.
   */
  property<Name extends PropertyName<Members>> (
    mode: RpcMode,
    name: Name,
    setter: PropertySetter<Members[Name]>
  ): this {
    this.#members.register('property', mode, name, setter)
    return this
  }

  /**
   * Makes a peer the node's network master; initially that is 1, the server. As in Godot this applies to the nodes
   * and synchronizers below that are registered by now as well, unless `recursive` is false. ERR_INVALID_PARAMETER for
   * an id below 1, and for 1 while values of such a synchronizer are not known; ERR_DOES_NOT_EXIST once the node was
   * freed. Nothing is changed then.
   */
  setNetworkMaster (id: number, recursive: boolean = true): void {
    this.#members.setMaster(id, recursive)
  }

  /** Id of the peer that is the node's network master. Godot: Node.get_network_master. */
  getNetworkMaster (): number {
    return this.#members.master
  }

  /** Whether the server is the node's network master. Godot: Node.is_network_master. */
  isNetworkMaster (): boolean {
    return this.#members.master === target.SERVER
  }

  /** As `setNetworkMaster`. Godot 4: Node.set_multiplayer_authority. */
  setMultiplayerAuthority (id: number, recursive: boolean = true): void {
    this.#members.setMaster(id, recursive)
  }

  /** As `getNetworkMaster`. Godot 4: Node.get_multiplayer_authority. */
  getMultiplayerAuthority (): number {
    return this.#members.master
  }

  /** As `isNetworkMaster`. Godot 4: Node.is_multiplayer_authority. */
  isMultiplayerAuthority (): boolean {
    return this.#members.master === target.SERVER
  }

  /**
   * A MultiplayerSynchronizer below the node, `path` being relative to it. As `MultiplayerAPI.synchronizer`; its
   * authority is that of the node now, unless `options` name another. ERR_DOES_NOT_EXIST once the node was freed.
   */
  synchronizer<const R extends Replication> (
    path: string, replication: R, options: Partial<SynchronizerOptions<R>> = {}
  ): Synchronizer<R> {
    return this.#members.synchronizer(path, replication, options)
  }

  /**
   * Removes the node: it no longer receives or sends anything, and its path may be registered again. Spawners and
   * synchronizers below it are removed as well.
   */
  free (): void {
    this.#members.free()
  }

  // ---- calls to the clients ----

  /** Calls a method on all peers. Errors as `rpcId`. Godot: Node.rpc. */
  rpc<Name extends MethodName<Members>> (name: Name, ...args: SendableArguments<Members[Name]>): void {
    this.#members.send(target.ALL, { kind: 'method', name, values: args as Variant[] })
  }

  /**
   * Calls a method on one peer, or on all but one (-id). ERR_DOES_NOT_EXIST for a peer that is not connected;
   * ERR_INVALID_PARAMETER for an id that is not a number, for 1, the server itself, unless the mode allows that, for
   * more than 255 arguments, a wrong number of them, or values that are not Variants; ERR_OUT_OF_MEMORY for a packet
   * larger than the output buffer.
   * Godot: Node.rpc_id.
   */
  rpcId<Name extends MethodName<Members>> (to: number, name: Name, ...args: SendableArguments<Members[Name]>): void {
    this.#members.send(to, { kind: 'method', name, values: args as Variant[] })
  }

  /** The same as `rpc`: over WebSocket everything is reliable. Godot: Node.rpc_unreliable. */
  rpcUnreliable<Name extends MethodName<Members>> (name: Name, ...args: SendableArguments<Members[Name]>): void {
    this.rpc(name, ...args)
  }

  /** The same as `rpcId`. Godot: Node.rpc_unreliable_id. */
  rpcUnreliableId<Name extends MethodName<Members>> (
    to: number,
    name: Name,
    ...args: SendableArguments<Members[Name]>
  ): void {
    this.rpcId(to, name, ...args)
  }

  /** Sets a property on all peers. Errors as `rpcId`. Godot: Node.rset. */
  rset<Name extends PropertyName<Members>> (name: Name, value: Sendable<Members[Name]>): void {
    this.#members.send(target.ALL, { kind: 'property', name, values: [value as Variant] })
  }

  /** Sets a property on one peer, or on all but one (-id). Errors as `rpcId`. Godot: Node.rset_id. */
  rsetId<Name extends PropertyName<Members>> (to: number, name: Name, value: Sendable<Members[Name]>): void {
    this.#members.send(to, { kind: 'property', name, values: [value as Variant] })
  }

  /** The same as `rset`. Godot: Node.rset_unreliable. */
  rsetUnreliable<Name extends PropertyName<Members>> (name: Name, value: Sendable<Members[Name]>): void {
    this.rset(name, value)
  }

  /** The same as `rsetId`. Godot: Node.rset_unreliable_id. */
  rsetUnreliableId<Name extends PropertyName<Members>> (to: number, name: Name, value: Sendable<Members[Name]>): void {
    this.rsetId(to, name, value)
  }
}
