import { installPackages } from './install.ts'
import type { Peer } from '../peers.ts'
import { startServer } from './server.ts'

/** The peers whose servers start on this machine. Prints the reason for those that are skipped. */
export async function availablePeers (peers: readonly Peer[]): Promise<Peer[]> {
  if (peers.some(({ isOptional }) => isOptional)) installPackages()
  const available: Peer[] = []
  for (const peer of peers) if (await canStart(peer)) available.push(peer)
  return available
}

async function canStart (peer: Peer): Promise<boolean> {
  try {
    await (await startServer(peer, { mode: 'echo' })).stop()
    return true
  } catch (error) {
    console.error(`${peer.name} is skipped: ${(error as Error).message}`)
    return false
  }
}
