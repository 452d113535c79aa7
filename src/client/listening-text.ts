import type { Severity } from './event-text.ts'
import type { Node, State } from './operations.ts'

/**
 * Whether clients can connect: `listening`, or why they cannot; `nodeState` is the state of the server's node in a
 * cluster.
 */
export function describeListening (
  { listening, refuseNewConnections }: Pick<State, 'listening' | 'refuseNewConnections'>, nodeState?: Node['state']
): [Severity, string] {
  if (!listening) return ['error', 'not listening']
  if (nodeState === 'joining') return ['error', 'not in the cluster']
  if (nodeState === 'draining') return ['warning', 'draining']
  if (refuseNewConnections) return ['warning', 'refusing new connections']
  return ['success', 'listening']
}
