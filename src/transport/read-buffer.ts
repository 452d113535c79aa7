import { fastMemory } from '../protocol/websocket/unmask.ts'

/** Read buffer of all sockets; each chunk is handled before the next one is read. */
export const readBuffer = fastMemory

let resting: Array<() => void> = []

/**
 * Calls back once the other sockets have had their turn. A client that filled the whole buffer may have sent more,
 * which libuv would read first.
 */
export function afterOthers (callback: () => void): void {
  if (resting.length === 0) setImmediate(wakeResting)
  resting.push(callback)
}

function wakeResting (): void {
  const rested = resting
  resting = []
  for (const wake of rested) wake()
}
