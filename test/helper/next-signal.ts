import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import type { SignalName, Signals } from '../../src/core/server/signals.ts'
import { withTimeout } from './with-timeout.ts'

/** The arguments of the next signal of this name. */
export async function nextSignal<Name extends SignalName> (
  server: WebSocketServer, name: Name
): Promise<Signals[Name]> {
  const emitted = new Promise<Signals[Name]>(resolve => server.once(name, (...args) => { resolve(args) }))
  return await withTimeout(() => `signal ${name}`, emitted)
}
