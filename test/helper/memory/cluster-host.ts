import type { ClusterNode, MembershipHost, NodeLeftCause } from '../../../src/cluster/membership/membership-host.ts'

/** Records what membership reports. */
export class RecordingHost implements MembershipHost {
  agreement = '{}'
  /** `joined a`, `left a lost`, `fenced`. */
  readonly told: string[] = []
  /** The last heartbeat of each node, as text. */
  readonly heartbeats = new Map<string, string>()
  /** What `joined` waits for. */
  admission: (node: ClusterNode) => Promise<void> = async () => {}
  drained: string[] = []

  isReady = false

  /** Slots that were claimed. */
  readonly slots: number[] = []

  claimed ({ slot }: { readonly slot: number }): void {
    this.slots.push(slot)
  }

  async prepare (): Promise<void> {
    this.isReady = true
  }

  ready (): void {}

  tick (): void {}

  heartbeat (): Uint8Array {
    return new TextEncoder().encode('alive\n')
  }

  heard (node: ClusterNode, bytes: Uint8Array): void {
    this.heartbeats.set(node.id, new TextDecoder().decode(bytes))
    if (node.isDraining && !this.drained.includes(node.id)) this.drained.push(node.id)
  }

  async joined (node: ClusterNode): Promise<void> {
    this.told.push(`joined ${node.id}`)
    await this.admission(node)
  }

  left (node: ClusterNode, cause: NodeLeftCause): void {
    this.told.push(`left ${node.id} ${cause}`)
  }

  fenced (): void {
    this.told.push('fenced')
  }
}
