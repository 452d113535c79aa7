import { GodotError } from '../../error.ts'
import type { Variant } from '../../protocol/variant/variant-types.ts'
import { target } from '../../protocol/multiplayer/relay-packet.ts'
import { rpcModes } from './rpc-mode.ts'
import type { RpcMode } from './rpc-mode.ts'
import { SurfacePassages } from './rpc-surface.ts'
import type { MemberKind, MemberPassage, NodeSurface } from './rpc-surface.ts'
import type { OutgoingMember, RpcDrop } from './rpc-wire.ts'

type IsAny<T> = 0 extends 1 & T ? true : false

/** Names of the methods among the members of a node. */
export type MethodName<Members> = { [Name in keyof Members]: Members[Name] extends (...args: any[]) => any ? Name : never }[keyof Members] & string

/** Names of the properties among the members of a node. */
export type PropertyName<Members> = { [Name in keyof Members]: IsAny<Members[Name]> extends true ? Name : Members[Name] extends (...args: any[]) => any ? never : Name }[keyof Members] & string

/** The arguments of a method. */
export type ArgumentsOf<Method> = IsAny<Method> extends true ? any[] : Method extends (...args: infer Arguments) => any ? Arguments : never

/** What carries out a call: `sender` is the id of the peer that calls, 1 for the server itself. What it returns goes nowhere. */
export type MethodHandler<Method> = (sender: number, ...args: ArgumentsOf<Method>) => unknown

/** What takes a new value of a property. */
export type PropertySetter<Value> = (sender: number, value: Value) => unknown

/** What a node asks of its MultiplayerAPI. */
export interface RemoteNodeHost {
  /** Sends to a member of the node at `path`; ERR_DOES_NOT_EXIST for a peer that is not there. */
  sendMember (node: RemoteNode, to: number, member: OutgoingMember): void
  /** Throws ERR_INVALID_PARAMETER where the clients' Godot knows no such member. */
  checkKind (kind: MemberKind): void
  /** What a handler threw, or rejected with. */
  memberFailed (error: unknown, details: object): void
  /** The node is not there any more. */
  nodeFreed (node: RemoteNode): void
}

interface Member { readonly mode: RpcMode, readonly passage: MemberPassage, readonly handler: (sender: number, ...values: any[]) => unknown }

/**
 * One node of the clients' scene tree, as the server takes part in it: what can be called here, and calls out.
 * `Members` is an interface of its remote methods and properties; without one, every name and value passes.
 */
export class RemoteNode<Members = any> {
  /** Its path from the tree's root, such as `Main/Pawn`. */
  readonly path: string
  /** What it was declared to have, if it was. */
  readonly surface: NodeSurface | undefined
  readonly #host: RemoteNodeHost
  readonly #passages: SurfacePassages
  readonly #members = { method: new Map<string, Member>(), property: new Map<string, Member>() }
  #master: number = target.SERVER

  constructor (host: RemoteNodeHost, path: string, surface: NodeSurface | undefined) {
    this.#host = host
    this.path = path
    this.surface = surface
    this.#passages = new SurfacePassages(surface)
  }

  // ---- what can be called here ----

  /** Lets peers call a method: `remote func name(...)`. What the handler throws or rejects with is logged; the peer stays. */
  method<Name extends MethodName<Members>> (mode: RpcMode, name: Name, handler: MethodHandler<Members[Name]>): this {
    return this.#register('method', mode, name, handler)
  }

  /** Lets peers set a property: `remote var name setget setter`. */
  property<Name extends PropertyName<Members>> (mode: RpcMode, name: Name, setter: PropertySetter<Members[Name]>): this {
    return this.#register('property', mode, name, setter)
  }

  /** Which peer is the node's master; 1, the server, at first. Unlike in Godot, it is not handed down to other nodes. */
  setNetworkMaster (id: number): void {
    if (!Number.isInteger(id) || id < 1) throw new GodotError('ERR_INVALID_PARAMETER', `network master ${String(id)}: the id of a peer`)
    this.#master = id
  }

  getNetworkMaster (): number {
    return this.#master
  }

  /** Whether the server is the node's master. */
  isNetworkMaster (): boolean {
    return this.#master === target.SERVER
  }

  /** Takes the node away: nothing reaches it any more, nothing can be sent by it, and its path may be registered anew. */
  free (): void {
    this.#host.nodeFreed(this)
  }

  // ---- calls out ----

  /** Calls a method at all peers. */
  rpc<Name extends MethodName<Members>> (name: Name, ...args: ArgumentsOf<Members[Name]>): void {
    this.#send(target.ALL, { kind: 'method', name, values: args as Variant[] })
  }

  /**
   * Calls a method at one peer, or at all but one (-id). ERR_DOES_NOT_EXIST for a peer that is not there; ERR_INVALID_PARAMETER for 1,
   * the server itself, unless the mode lets it run here, for more than 255 arguments, and for what is no Variant.
   */
  rpcId<Name extends MethodName<Members>> (to: number, name: Name, ...args: ArgumentsOf<Members[Name]>): void {
    this.#send(to, { kind: 'method', name, values: args as Variant[] })
  }

  /** The same as `rpc`: WebSocket knows nothing unreliable. */
  rpcUnreliable<Name extends MethodName<Members>> (name: Name, ...args: ArgumentsOf<Members[Name]>): void {
    this.rpc(name, ...args)
  }

  /** The same as `rpcId`. */
  rpcUnreliableId<Name extends MethodName<Members>> (to: number, name: Name, ...args: ArgumentsOf<Members[Name]>): void {
    this.rpcId(to, name, ...args)
  }

  /** Sets a property at all peers. */
  rset<Name extends PropertyName<Members>> (name: Name, value: Members[Name]): void {
    this.#send(target.ALL, { kind: 'property', name, values: [value as Variant] })
  }

  /** Sets a property at one peer, or at all but one (-id); errors as `rpcId`. */
  rsetId<Name extends PropertyName<Members>> (to: number, name: Name, value: Members[Name]): void {
    this.#send(to, { kind: 'property', name, values: [value as Variant] })
  }

  /** The same as `rset`. */
  rsetUnreliable<Name extends PropertyName<Members>> (name: Name, value: Members[Name]): void {
    this.rset(name, value)
  }

  /** The same as `rsetId`. */
  rsetUnreliableId<Name extends PropertyName<Members>> (to: number, name: Name, value: Members[Name]): void {
    this.rsetId(to, name, value)
  }

  // ---- what its MultiplayerAPI tells ----

  /** Carries out what a peer asks for, or says why not. */
  receive (sender: number, { kind, name, values }: OutgoingMember): RpcDrop | undefined {
    const member = this.#members[kind].get(name)
    if (member === undefined) return 'rpc-unknown-member'
    if (!rpcModes[member.mode].accepts(this.isNetworkMaster(), sender === this.#master)) return 'rpc-mode'
    const taken = member.passage.take(values)
    if (taken === undefined) return 'rpc-arguments'
    this.#run(sender, member, name, taken)
    return undefined
  }

  #register (kind: MemberKind, mode: RpcMode, name: string, handler: Member['handler']): this {
    this.#host.checkKind(kind)
    if (!Object.hasOwn(rpcModes, mode)) throw new GodotError('ERR_INVALID_PARAMETER', `${String(mode)} is no mode`)
    this.#members[kind].set(name, { mode, passage: this.#passages.of(kind, name), handler })
    return this
  }

  #send (to: number, { kind, name, values }: OutgoingMember): void {
    this.#host.checkKind(kind)
    const member = this.#members[kind].get(name)
    // A call that does not include the server is not looked up: its own mode says nothing then.
    const mode = member !== undefined && includesServer(to) ? rpcModes[member.mode] : undefined
    const isMaster = this.isNetworkMaster()
    const runsHere = mode?.runsHere(isMaster) ?? false
    const goesOut = to !== target.SERVER && !(mode?.staysHere(isMaster) ?? false)
    if (!goesOut && !runsHere) throw new GodotError('ERR_INVALID_PARAMETER', `${kind} ${name}: its mode does not let the server call itself`)
    if (goesOut) this.#host.sendMember(this, to, { kind, name, values: this.#passages.of(kind, name).give(values) })
    if (runsHere) this.#run(target.SERVER, member!, name, values)
  }

  #run (sender: number, member: Member, name: string, values: readonly Variant[]): void {
    const failed = (error: unknown): void => { this.#host.memberFailed(error, { peer: sender, node: this.path, name }) }
    try {
      const result = member.handler(sender, ...values)
      if (result instanceof Promise) result.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}

function includesServer (to: number): boolean {
  return to === target.ALL || to === target.SERVER || (to < 0 && to !== target.ALL_BUT_SERVER)
}
