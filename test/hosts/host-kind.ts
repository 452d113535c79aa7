import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { FastifyServerOptions } from 'fastify'
import { root } from '../../scripts/root.ts'
import type { WebSocketServer } from '../../index.ts'

/** A Fastify app. Untyped: its plugins come from test/hosts, which type checks do without. */
export type App = any

/** One kind of app that the package is mounted in; it must work as it does without us. */
export interface HostKind {
  readonly name: string
  /** The packages of test/hosts/package.json that it uses. */
  readonly packages?: readonly string[]
  readonly options?: () => FastifyServerOptions
  /** What the host registers before ours. */
  readonly before?: (app: App) => unknown
  /** What the host registers after ours. */
  readonly after?: (app: App) => unknown
  /** Starts a host that is not simply a Fastify app. `mount`, where given, adds ours. */
  readonly start?: (mount: Mount | undefined) => Promise<RunningHost>
  /** Adds ours in another way than at /game. */
  readonly mount?: Mount
  /** Paths of our endpoint and REST API, unless `/game/ws` and `/game/api`. */
  readonly paths?: Paths
  /** Requests, one after the other, with the cookies of earlier responses; every response is the same without us. */
  readonly requests: readonly HostRequest[]
  /** Text that differs from run to run: its first group is masked. */
  readonly mask?: RegExp
  /** Uses the host's own sockets; the result is the same without us. */
  readonly sockets?: (port: number) => Promise<unknown>
  /** What `sockets` resolves with. */
  readonly expected?: unknown
  /** Headers that the host's guards expect of our clients too. */
  readonly headers?: Readonly<Record<string, string>>
  /** Headers with which the host's guards refuse our clients, and the status they get. */
  readonly refused?: { readonly headers: Readonly<Record<string, string>>, readonly status: number }
}

/** Registers the plugin and its REST API. */
export type Mount = (app: App) => Promise<WebSocketServer>

export interface Paths { readonly socket: string, readonly api: string }

export interface RunningHost {
  readonly port: number
  /** Ends all connections: some hosts keep those whose upgrade they do not complete, also without us. */
  disconnect (): void
  close (): Promise<unknown>
}

/** A request to the host and the status of its response. */
export interface HostRequest {
  readonly path: string
  readonly status: number
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

const manifest = join(root, 'test/hosts/package.json')
const require = createRequire(manifest)

/** A package of test/hosts. */
export function load (name: string): any {
  const loaded = require(name)
  return loaded.default ?? loaded
}

/** All exports of a package of test/hosts. */
export function loadAll (name: string): any {
  return require(name)
}

/** A GET request. */
export function get (path: string, status = 200, headers: HostRequest['headers'] = {}): HostRequest {
  return { path, status, headers }
}

/** A POST request with a JSON body. */
export function post (path: string, body: unknown, status = 200, headers: HostRequest['headers'] = {}): HostRequest {
  return { method: 'POST', path, status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

/** A route most hosts have. */
export function hello (app: App): void {
  app.get('/hello', async () => ({ hello: 'world' }))
  app.post('/hello', async ({ body }: { body: unknown }) => ({ body }))
}

/** Requests to it, and one to nothing. */
export const helloRequests: readonly HostRequest[] = [
  get('/hello'), { method: 'HEAD', path: '/hello', status: 200 }, post('/hello', { a: 1 }), get('/nothing', 404), get('/hello?room=1')
]
