import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import type { Test } from 'tap'
import { adminRoutes, dashboard, metrics, type ServerOptions } from '../../index.ts'
import { health } from '../../routes/parts.ts'
import type { Timings } from '../../src/cluster/membership/timings.ts'
import type { JsonResponse } from './host.ts'
import { openMemoryCluster, patientTimings, type MemoryCluster } from './memory/memory-cluster.ts'

/** Sends a request to the REST API of one node. */
export type Api = (path: string, init?: RequestInit) => Promise<JsonResponse>

/** A cluster in this process whose nodes have the REST API and the dashboard; clients have no sockets. */
export interface AdminCluster extends MemoryCluster {
  /** The REST API of each node. */
  readonly apis: readonly Api[]
  /** Where each node listens for HTTP. */
  readonly urls: readonly string[]
}

/** Opens a cluster with the REST API of every node below /api/v1; the test closes it. */
export async function openAdminCluster (
  t: Test, count: number, options: Partial<ServerOptions> = {}, timings: Timings = patientTimings
): Promise<AdminCluster> {
  const cluster = await openMemoryCluster(t, count, options, timings)
  const urls: string[] = []
  for (const node of cluster.nodes) {
    const app = Fastify({ forceCloseConnections: true })
    app.decorate('peerServer', node)
    await app.register(adminRoutes, { prefix: '/api/v1', auth: false })
    await app.register(health)
    await app.register(metrics)
    await app.register(dashboard)
    await app.listen({ port: 0, host: '127.0.0.1' })
    t.teardown(async () => { await app.close() })
    urls.push(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
  }
  const apis = urls.map((url): Api => async (path, init) => await fetch(`${url}/api/v1${path}`, init) as JsonResponse)
  return { ...cluster, apis, urls }
}
