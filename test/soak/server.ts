// The server of the soak scripts, a child process that `startServer` forks.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import Fastify from 'fastify'
import firstRequest from '../../plugins/first-request.ts'
import peerServer from '../../plugins/peer-server.ts'
import type { ServerOptions } from '../../src/options/option-types.ts'
import { WebSocketServer } from '../../src/core/server/websocket-server.ts'

/** Settings of a server. */
export interface Setting {
  readonly mode: 'own' | 'mounted'
  readonly options?: Partial<ServerOptions>
  /**
   * Duration of onHandshake in milliseconds; `never`: it does not resolve unless the client's query contains `good`.
   */
  readonly handshakeDelay?: number | 'never'
  /** The same for an onRequest hook of the host app. */
  readonly hookDelay?: number | 'never'
}

/** State of the server after garbage collection. */
export interface Reading {
  readonly peers: number
  readonly pending: number
  readonly heap: number
  readonly rss: number
  readonly descriptors: number
  /** Timers and sockets that keep the process alive, by kind. */
  readonly resources: Record<string, number>
  readonly faults: string[]
  readonly limits: Readonly<Record<string, number>>
}

/** A running server. */
export interface ServerProcess {
  readonly port: number
  /** Resident memory in bytes, read from /proc. */
  rss (): number
  read (): Promise<Reading>
  stop (): void
}

const PAGE = 4096

/** Starts a server in a child process; in plain mode it echoes. */
export async function startServer (setting: Setting): Promise<ServerProcess> {
  const child = fork(import.meta.filename, [JSON.stringify(setting)], { execArgv: ['--expose-gc', '--import', 'tsx'] })
  const [port] = await once(child, 'message') as [number]
  return {
    port,
    rss: () => Number(readFileSync(`/proc/${child.pid!}/statm`, 'latin1').split(' ')[1]) * PAGE,
    read: async () => {
      child.send('read')
      return (await once(child, 'message') as [Reading])[0]
    },
    stop: () => { child.kill() }
  }
}

if (process.send !== undefined) await serve(JSON.parse(process.argv[2]) as Setting)

async function serve ({ mode, options = {}, handshakeDelay, hookDelay }: Setting): Promise<void> {
  const faults: string[] = []
  process.on('uncaughtException', error => { faults.push(String(error.stack)) })
  process.on('unhandledRejection', error => { faults.push(String(error)) })
  const hooks = handshakeDelay === undefined ? {} : { onHandshake: delayed(handshakeDelay) }
  const server = await open(mode, { ...options, ...hooks }, hookDelay)
  if (options.gdMpApi !== true) server.on('packet', (id, bytes) => { server.getPeer(id).putPacket(bytes) })
  process.on('message', () => { process.send!(read(server, faults)) })
  process.send!(server.port)
}

function delayed (milliseconds: number | 'never') {
  return async ({ query }: { readonly query: unknown }): Promise<object> => {
    if (milliseconds !== 'never') await delay(milliseconds)
    else if ((query as { good?: string }).good === undefined) await new Promise(() => {})
    return {}
  }
}

/** Opens the server; in mounted mode the host app has the timeouts of the service. */
async function open (
  mode: Setting['mode'], options: Partial<ServerOptions>, hookDelay: Setting['hookDelay']
): Promise<WebSocketServer> {
  if (mode === 'own') {
    const server = new WebSocketServer(options)
    await server.listen(0)
    return server
  }
  const app = Fastify({ requestTimeout: 3000, http: { headersTimeout: 3000, connectionsCheckingInterval: 250 } })
  if (hookDelay !== undefined) app.addHook('onRequest', async request => { await delayed(hookDelay)(request) })
  await app.register(peerServer, { path: '/', ...options })
  await app.register(firstRequest, { seconds: () => app.peerServer.handshakeTimeout })
  await app.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
  return app.peerServer
}

function read (server: WebSocketServer, faults: string[]): Reading {
  for (let i = 0; i < 3; i++) globalThis.gc!()
  const { heapUsed: heap, rss } = process.memoryUsage()
  const resources: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1
  return {
    peers: server.peerCount,
    pending: server.countPeers().pending,
    heap,
    rss,
    descriptors: readdirSync('/proc/self/fd').length,
    resources,
    faults,
    limits: server.monitor.limits
  }
}
