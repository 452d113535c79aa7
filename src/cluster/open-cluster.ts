import type { ClusterLink } from '../core/server/cluster-link.ts'
import type { PeerRegistry } from '../core/server/peer-registry.ts'
import type { Settings } from '../core/server/settings.ts'
import type { Bus } from './bus/bus.ts'
import { ClusterCore } from './cluster-core.ts'

/** What makes a server a node of its cluster; undefined without option `cluster`. */
export function openerOf (
  settings: Settings, connectBus: (() => Promise<Bus>) | undefined
): ((registry: PeerRegistry) => ClusterLink) | undefined {
  const { cluster } = settings
  if (cluster === undefined) return undefined
  const connect = connectBus ?? (async () => {
    const { connectNats } = await import('./bus/nats-bus.ts')
    return await connectNats(cluster)
  })
  return registry => new ClusterCore(registry, cluster, connect)
}
