import { installPackages } from './install.ts'
import type { Peer } from './peers.ts'
import { startServer } from './server.ts'

/** The peers whose servers come up on this machine; what is left out is told, and why. */
export async function availablePeers (peers: readonly Peer[]): Promise<Peer[]> {
  if (peers.some(({ isOptional }) => isOptional)) installPackages()
  const there: Peer[] = []
  for (const peer of peers) if (await comesUp(peer)) there.push(peer)
  return there
}

async function comesUp (peer: Peer): Promise<boolean> {
  try {
    await (await startServer(peer, { mode: 'echo' })).stop()
    return true
  } catch (error) {
    console.error(`${peer.name} is left out: ${(error as Error).message}`)
    return false
  }
}
