import { GodotError } from '../../error.ts'
import type { NodeMembers } from './node-members.ts'
import { isBelow } from './wire/node-path.ts'
import { RemoteNode } from './remote-node.ts'

/** The nodes that an application has registered, by path. */
export class NodeTree {
  readonly #nodes = new Map<string, { readonly members: NodeMembers, readonly node: RemoteNode }>()

  get (path: string): NodeMembers | undefined {
    return this.#nodes.get(path)?.members
  }

  /** What applications use of the node at a path. */
  nodeAt (path: string): RemoteNode | undefined {
    return this.#nodes.get(path)?.node
  }

  add (members: NodeMembers): RemoteNode {
    const node = new RemoteNode(members)
    this.#nodes.set(members.path, { members, node })
    return node
  }

  /** False if the node was removed before. */
  remove (members: NodeMembers): boolean {
    return this.get(members.path) === members && this.#nodes.delete(members.path)
  }

  /** Throws ERR_DOES_NOT_EXIST once the node was freed. */
  check (members: NodeMembers): void {
    if (this.get(members.path) !== members) throw new GodotError('ERR_DOES_NOT_EXIST', `node ${members.path} was freed`)
  }

  /** Sets the network master of a node, and of those below it if `recursive`. */
  setMaster (members: NodeMembers, id: number, recursive: boolean): void {
    members.master = id
    if (!recursive) return
    for (const [path, { members: other }] of this.#nodes) if (isBelow(path, members.path)) other.master = id
  }
}
