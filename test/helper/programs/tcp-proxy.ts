import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'

/** A way to a server that can be interrupted. */
export interface TcpProxy {
  readonly port: number
  /** Ends all connections and refuses new ones. */
  cut (): void
  restore (): void
  /** Keeps all connections but moves no bytes, as a network does that drops every packet. */
  stall (): void
}

/** Starts a proxy on a free port to a port of this machine. */
export async function startTcpProxy (t: Test, target: () => number): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  let state: 'open' | 'cut' | 'stalled' = 'open'
  const server = createServer(client => {
    if (state === 'cut') {
      client.destroy()
      return
    }
    const upstream = connect(target(), '127.0.0.1')
    for (const [from, to] of [[client, upstream], [upstream, client]]) {
      sockets.add(from)
      from.on('data', chunk => { to.write(chunk) })
      from.on('error', () => {})
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      if (state === 'stalled') from.pause()
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    cut () {
      state = 'cut'
      for (const socket of sockets) socket.destroy()
    },
    restore () {
      state = 'open'
      for (const socket of sockets) socket.resume()
    },
    stall () {
      state = 'stalled'
      for (const socket of sockets) socket.pause()
    }
  }
}
