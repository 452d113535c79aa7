import { fastMemory } from '../protocol/websocket/unmask.ts'

/** Read buffer of all sockets; each chunk is handled before the next one is read. */
export const readBuffer = fastMemory

let idle: Array<() => void> = []

/**
 * Calls back once the other sockets have had their turn. A client that filled the whole buffer may have sent more,
 * which libuv would read first.
 */
export function afterOthers (callback: () => void): void {
  if (idle.length === 0) setImmediate(wakeIdle)
  idle.push(callback)
}

function wakeIdle (): void {
  const woken = idle
  idle = []
  for (const wake of woken) wake()
}
