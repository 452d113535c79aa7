import type { ServerOptions } from '../../../src/options/option-types.ts'
import type { SignalName } from '../../../src/core/server/signals.ts'
import { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import { memoryMount } from './memory-client.ts'

type Options = NonNullable<ConstructorParameters<typeof WebSocketServer>[0]> & Partial<ServerOptions>

/**
 * A listening server without sockets, to which tests pass connections. `ids`: the ids of its peers in order, or a
 * function that draws them.
 */
export async function openMemoryServer (
  options: Options = {}, ids?: readonly number[] | (() => number)
): Promise<WebSocketServer> {
  const left = Array.isArray(ids) ? [...ids] : []
  const drawId = typeof ids === 'function' ? ids : () => left.shift()!
  const mount = { ...memoryMount, ...(ids === undefined ? {} : { drawId }) }
  const server = new WebSocketServer({ closeTimeout: 0.1, ...options }, mount)
  await server.listen()
  return server
}

/** The same for Godot 4 clients. */
export async function openGodot4Server (
  options: Options = {}, ids?: readonly number[] | (() => number)
): Promise<WebSocketServer> {
  return await openMemoryServer({ gdMpApi: true, wire: 'godot4', ...options }, ids)
}

/** Records these signals of a server from now on, each as its name and arguments. */
export function recordSignals (server: WebSocketServer, names: readonly SignalName[]): unknown[][] {
  const signals: unknown[][] = []
  for (const name of names) server.on(name, (...args: unknown[]) => { signals.push([name, ...args]) })
  return signals
}
