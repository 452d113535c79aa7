import type { NatsConnection } from '@nats-io/transport-node'

/** A socket; `_parent` is the one below TLS. */
interface Socket {
  readonly _parent?: Socket
  destroy (): void
  resetAndDestroy (): void
}

/** Internals of the connection, which are not public. */
interface Inside {
  readonly protocol?: { readonly transport?: { readonly socket?: Socket } }
}

/**
 * Closes the socket to a broker that no longer responds. The client itself first waits until the system has taken all
 * that was written: forever, if the broker has stopped. A reset also drops what the system has not sent: it would
 * arrive after a network partition, later than what is published then.
 */
export function resetSocket (connection: NatsConnection): void {
  const socket = (connection as unknown as Inside).protocol?.transport?.socket
  try {
    (socket?._parent ?? socket)?.resetAndDestroy()
  } finally {
    socket?.destroy()
  }
}
