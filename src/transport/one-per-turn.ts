import { AsyncResource } from 'node:async_hooks'

/** Work that waits for its turn, in order. */
const waiting: Array<() => void> = []
let isTaken = false

/**
 * Runs `work` now, or if the current turn of the event loop has had its piece of work, in a later one: a burst of
 * requests or packets then delays others by one piece, not by all of them.
 */
export function onePerTurn (work: () => void): void {
  if (isTaken) inLaterTurn(work)
  else take(work)
}

/** Runs `work` in a later turn of the event loop, after what waits already. */
export function inLaterTurn (work: () => void): void {
  waiting.push(AsyncResource.bind(work))
  if (!isTaken) take(nothing)
}

/** What `work` sends leaves before the next piece begins. */
function take (work: () => void): void {
  isTaken = true
  try {
    work()
  } finally {
    setImmediate(next)
  }
}

function next (): void {
  const work = waiting.shift()
  if (work === undefined) isTaken = false
  else take(work)
}

function nothing (): void {}
