// Clients of the soak scripts: plain sockets, so that ten thousand of them are cheap.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { upgradeRequest } from '../helper/sockets/raw-socket.ts'

/** Opens a TCP connection; later errors are ignored. */
export async function dial (port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  socket.on('error', () => {})
  return socket
}

/** Opens many connections, `concurrency` at a time, as the server's backlog is limited. */
export async function dialMany (port: number, count: number, concurrency = 200): Promise<Socket[]> {
  const sockets: Socket[] = []
  while (sockets.length < count) {
    const length = Math.min(concurrency, count - sockets.length)
    sockets.push(...await Promise.all(Array.from({ length }, async () => await dial(port))))
  }
  return sockets
}

/** Performs the handshake on a connection; false unless the response is 101. Bytes after the response are lost. */
export async function upgrade (socket: Socket, path = '/'): Promise<boolean> {
  socket.write(upgradeRequest(path))
  const [answer] = await once(socket, 'data') as [Buffer]
  return answer.toString('latin1').startsWith('HTTP/1.1 101')
}

/** Opens a TLS connection without checking the server's certificate. */
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
  if (!await upgrade(socket, path)) throw new Error('a valid client was refused')
  const milliseconds = performance.now() - began
  socket.destroy()
  return milliseconds
}

/** The percentile of these values. */
export function percentile (values: number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * percent / 100))]
}

/** Prints a failed expectation and sets the exit code to 1, unless `isMet`. */
export function expect (isMet: boolean, expectation: string): void {
  if (isMet) return
  console.error(`FAILED: ${expectation}`)
  process.exitCode = 1
}
