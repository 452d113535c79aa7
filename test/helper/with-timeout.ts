// Not the global ones, which a test may have stopped.
import { clearTimeout, setTimeout } from 'node:timers'

/** Seconds that anything may take on a busy machine. */
const LEAST = 60

/** Resolves like `promise`; rejects after `seconds`, but not before 60, with an error that contains `awaited()`. */
export async function withTimeout<T> (seconds: number, awaited: () => string, promise: Promise<T>): Promise<T> {
  const limit = Math.max(seconds, LEAST)
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`timeout after ${limit} s waiting for ${awaited()}`)), limit * 1000)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}
