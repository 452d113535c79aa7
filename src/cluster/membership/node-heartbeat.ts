import type { ClusterNode } from '../membership/membership-host.ts'

/** What a node regularly sends to the others. */
export interface NodeHeartbeat {
  readonly node: ClusterNode
  /** Whether it is its last one. */
  readonly isLeaving: boolean
  /** See `MembershipHost.heartbeat`. */
  readonly bytes: Uint8Array
}

/** | JSON | newline | bytes of the host ... | */
export function encodeHeartbeat ({ node, isLeaving, bytes }: NodeHeartbeat): Uint8Array {
  return Buffer.concat([Buffer.from(`${JSON.stringify({ node, isLeaving })}\n`), bytes])
}

/** Undefined if it is not a heartbeat: a node of another version may send another format. */
export function decodeHeartbeat (message: Uint8Array): NodeHeartbeat | undefined {
  const end = message.indexOf(0x0A)
  try {
    const head = JSON.parse(new TextDecoder().decode(message.subarray(0, end))) as Omit<NodeHeartbeat, 'bytes'>
    return { ...head, bytes: message.subarray(end + 1) }
  } catch {
    return undefined
  }
}
