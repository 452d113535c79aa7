import { AsyncResource } from 'node:async_hooks'

/** Work that waits for its turn, in order. */
const waiting: Array<() => void> = []

/**
 * Runs `work` in a later turn of the event loop, one piece per turn: what many peers have sent at once delays others by
 * one piece, not by all of them. What `work` sends leaves before the next piece begins.
 */
export function inLaterTurn (work: () => void): void {
  if (waiting.push(AsyncResource.bind(work)) === 1) setImmediate(next)
}

function next (): void {
  try {
    waiting[0]()
  } finally {
    waiting.shift()
    if (waiting.length > 0) setImmediate(next)
  }
}
