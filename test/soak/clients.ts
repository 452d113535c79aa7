// Clients of the soak scripts: plain sockets, cheap enough for ten thousand of them.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { upgradeRequest } from '../helper/raw-socket.ts'

/** A TCP connection; what goes wrong with it later does no harm. */
export async function dial (port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  socket.on('error', () => {})
  return socket
}

/** The same for many, so many at a time that the server's backlog takes them. */
export async function dialMany (port: number, count: number, atOnce = 200): Promise<Socket[]> {
  const sockets: Socket[] = []
  while (sockets.length < count) {
    sockets.push(
      ...await Promise.all(Array.from({ length: Math.min(atOnce, count - sockets.length) }, async () =>
        await dial(port)))
    )
  }
  return sockets
}

/** Goes through the handshake on a connection; false unless the answer is 101. What came with the answer is lost. */
export async function upgrade (socket: Socket, path = '/'): Promise<boolean> {
  socket.write(upgradeRequest(path))
  const [answer] = await once(socket, 'data') as [Buffer]
  return answer.toString('latin1').startsWith('HTTP/1.1 101')
}

/** The same in TLS, whoever the server is. */
export async function dialTls (port: number): Promise<Socket> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  socket.on('error', () => {})
  return socket
}

/** Milliseconds until a new client has joined. */
export async function timeJoin (port: number, path = '/', open = dial): Promise<number> {
  const began = performance.now()
  const socket = await open(port)
  if (!await upgrade(socket, path)) throw new Error('a good client was refused')
  const milliseconds = performance.now() - began
  socket.destroy()
  return milliseconds
}

/** The value below which so many percent of the values are. */
export function percentile (values: number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * percent / 100))]
}

/** Ends the script with an error unless `isTrue`. */
export function demand (isTrue: boolean, what: string): void {
  if (isTrue) return
  console.error(`NOT: ${what}`)
  process.exitCode = 1
}
