import { WebSocket } from 'ws'

/** Sends a message to a WebSocket endpoint and resolves with the text of the next one; rejects when it is refused or closed. */
export async function talk (url: string, text: string, protocols: string[] = [], headers: Record<string, string> = {}): Promise<string> {
  const socket = new WebSocket(url, protocols, { headers, rejectUnauthorized: false, handshakeTimeout: 60_000 })
  try {
    const closed = new Promise<never>((resolve, reject) => {
      socket.once('error', reject).once('close', code => { reject(new Error(`closed with ${code}`)) })
    })
    closed.catch(() => {})
    const received = new Promise(resolve => { socket.once('message', resolve) })
    await Promise.race([new Promise(resolve => { socket.once('open', resolve) }), closed])
    socket.send(text)
    return String(await Promise.race([received, closed]))
  } finally {
    socket.terminate()
  }
}

/** The status with which a WebSocket handshake is refused. */
export async function refusedStatus (url: string, headers: Record<string, string>): Promise<number> {
  const socket = new WebSocket(url, { headers, rejectUnauthorized: false, handshakeTimeout: 60_000 })
  return await new Promise((resolve, reject) => {
    socket.once('unexpected-response', (_request, { statusCode }) => {
      socket.on('error', () => {}).terminate()
      resolve(statusCode!)
    })
    socket.once('open', () => {
      socket.terminate()
      reject(new Error('the handshake was accepted'))
    })
  })
}
