import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Ports below the ephemeral range, from which systems take the ports of outgoing connections: one of those could be
 * taken before the program listens on it.
 */
const [FIRST, END] = [10_000, 32_768]

/** A port that nobody listens on. */
export async function freePort (): Promise<number> {
  const port = randomInt(FIRST, END)
  return await isFree(port) ? port : await freePort()
}

async function isFree (port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
