import type { NatsConnection } from '@nats-io/transport-node'

/** Inside of the connection: not public. */
interface Inside {
  readonly protocol?: { readonly transport?: { readonly socket?: { destroy (): void } } }
}

/**
 * Closes the socket to a broker that no longer answers. The client itself first waits until all that it has written was
 * taken, which is for ever when a broker has stopped.
 */
export function destroySocket (connection: NatsConnection): void {
  (connection as unknown as Inside).protocol?.transport?.socket?.destroy()
}
