// Not the global ones, which a test may have stopped.
import { clearTimeout, setTimeout } from 'node:timers'

/** Seconds that anything a test waits for may take: a busy machine is slow. */
const LIMIT = 60

/** Resolves like `promise`; rejects after `seconds` with an error that contains `awaited()`. */
export async function withTimeout<T> (awaited: () => string, promise: Promise<T>, seconds = LIMIT): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`timeout after ${seconds} s waiting for ${awaited()}`)), seconds * 1000)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}
