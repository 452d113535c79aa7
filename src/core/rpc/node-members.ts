import { GodotError } from '../../error.ts'
import type { EncodedValues } from '../../protocol/multiplayer/encoded-values.ts'
import { target } from '../../protocol/multiplayer/relay-packet.ts'
import type { Variant } from '../../protocol/variant/variant-types.ts'
import type { Replication } from './replication/replication.ts'
import type { Synchronizer, SynchronizerOptions } from './replication/synchronizer.ts'
import { SurfaceConverters } from './member-converter.ts'
import type { MemberConverter } from './member-converter.ts'
import { rpcModes } from './rpc-mode.ts'
import type { RpcMode } from './rpc-mode.ts'
import type { MemberKind, NodeSurface } from './rpc-surface.ts'
import type { MemberCall, Refusal } from './wire/rpc-wire.ts'

/** What a node needs of its MultiplayerAPI. */
export interface NodeMembersHost {
  /** Throws ERR_DOES_NOT_EXIST once the node was freed. */
  check (node: NodeMembers): void
  /** Sends a call to the clients. Throws ERR_DOES_NOT_EXIST for a peer that is not connected. */
  send (node: NodeMembers, to: number, call: MemberCall): void
  /** The values as a client would receive them; throws ERR_INVALID_PARAMETER for what cannot be sent. */
  transmitted (values: readonly Variant[], exactFloats: MemberConverter['exactFloats']): Variant[]
  /** Throws ERR_INVALID_PARAMETER where the clients' Godot has no such members. */
  checkKind (kind: MemberKind): void
  /** A handler threw or rejected. */
  failed (error: unknown, details: object): void
  /** The node is freed. */
  free (node: NodeMembers): void
  /** Declares a synchronizer. */
  synchronizer<R extends Replication> (path: string, replication: R, options: SynchronizerOptions<R>): Synchronizer<R>
  /** Sets the network master of a node, and of the nodes below it if `recursive`. */
  setMaster (node: NodeMembers, id: number, recursive: boolean): void
}

/** How a node was declared, besides its surface: see `NodeOptions`. */
export interface CompleteSettings { readonly configured: readonly string[], readonly exactTypes: boolean }

type Handler = (sender: number, ...values: any[]) => unknown

interface Member { readonly mode: RpcMode, readonly converter: MemberConverter, readonly handler: Handler }

/**
 * The remote members of one node: which may be called here, and calls to the clients. The part of a RemoteNode that its
 * users do not see.
 */
export class NodeMembers {
  /** Relative to the root, such as `Main/Pawn`. */
  readonly path: string
  readonly surface: NodeSurface | undefined
  readonly settings: CompleteSettings
  /** Id of the peer that is the node's network master. */
  master: number = target.SERVER
  readonly #host: NodeMembersHost
  readonly #converters: SurfaceConverters
  readonly #members = { method: new Map<string, Member>(), property: new Map<string, Member>() }

  constructor (host: NodeMembersHost, path: string, surface: NodeSurface | undefined, settings: CompleteSettings) {
    this.#host = host
    this.path = path
    this.surface = surface
    this.settings = settings
    this.#converters = new SurfaceConverters(surface, settings.exactTypes)
  }

  register (kind: MemberKind, mode: RpcMode, name: string, handler: Handler): void {
    this.#host.check(this)
    this.#host.checkKind(kind)
    if (!Object.hasOwn(rpcModes, mode)) {
      throw new GodotError(
        'ERR_INVALID_PARAMETER',
        `unknown RPC mode ${String(mode)}: expected ${Object.keys(rpcModes).join(', ')}`
      )
    }
    this.#members[kind].set(name, { mode, converter: this.#converters.of(kind, name), handler })
  }

  setMaster (id: number, recursive: boolean): void {
    if (!Number.isInteger(id) || id < 1) {
      throw new GodotError('ERR_INVALID_PARAMETER', `invalid network master ${String(id)}: expected the id of a peer`)
    }
    this.#host.check(this)
    this.#host.setMaster(this, id, recursive)
  }

  /** A synchronizer below the node; its authority is that of the node unless the options name one. */
  synchronizer<R extends Replication> (
    path: string, replication: R, options: Partial<SynchronizerOptions<R>>
  ): Synchronizer<R> {
    this.#host.check(this)
    const absolute = this.path === '.' ? path : `${this.path}/${path}`
    const given = { authority: this.master, ...options } as SynchronizerOptions<R>
    return this.#host.synchronizer(absolute, replication, given)
  }

  free (): void {
    this.#host.free(this)
  }

  /**
   * Runs what a peer calls, or returns why it is refused. Values are decoded only for a member that this peer may call.
   */
  receive (sender: number, kind: MemberKind, name: string, values: EncodedValues): Refusal | undefined {
    const member = this.#members[kind].get(name)
    if (member === undefined) return { reason: 'rpc-unknown-member' }
    const { mode, converter } = member
    if (!rpcModes[mode].accepts(this.master === target.SERVER, sender === this.master)) return { reason: 'rpc-mode' }
    const decoded = values.decode({ exactFloats: converter.exactFloats })
    const converted = converter.incoming(decoded)
    if (converted === undefined) return { reason: 'rpc-arguments', why: converter.faultOf(decoded) }
    this.#run(sender, member, name, converted)
    return undefined
  }

  /** Calls a member: on all peers (0), one, or all but one (-id); here as well if its mode says so. */
  send (to: number, { kind, name, values }: MemberCall): void {
    this.#host.check(this)
    this.#host.checkKind(kind)
    const member = this.#members[kind].get(name)
    // Godot ignores the mode of the own member in calls that do not include the caller.
    const mode = member !== undefined && includesServer(to) ? rpcModes[member.mode] : undefined
    const isMaster = this.master === target.SERVER
    const runsHere = mode?.runsHere(isMaster) ?? false
    const goesOut = to !== target.SERVER && !(mode?.staysHere(isMaster) ?? false)
    if (!goesOut && !runsHere) {
      throw new GodotError('ERR_INVALID_PARAMETER', `${kind} ${name}: its mode does not let the server call itself`)
    }
    const converter = this.#converters.of(kind, name)
    const outgoing = converter.outgoing(values)
    // Before anything is sent: it may be refused.
    const own = runsHere ? this.#received(member!, name, outgoing) : undefined
    if (goesOut) this.#host.send(this, to, { kind, name, values: outgoing })
    if (own !== undefined) this.#run(target.SERVER, member!, name, own)
  }

  /** What a handler here gets: the same as from a client. */
  #received ({ converter }: Member, name: string, values: readonly Variant[]): readonly Variant[] {
    const transmitted = this.#host.transmitted(values, converter.exactFloats)
    const converted = converter.incoming(transmitted)
    if (converted !== undefined) return converted
    throw new GodotError('ERR_INVALID_PARAMETER', `${name}: an argument is of another kind than declared`)
  }

  #run (sender: number, member: Member, name: string, values: readonly Variant[]): void {
    const failed = (error: unknown): void => { this.#host.failed(error, { peer: sender, node: this.path, name }) }
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
