import { setTimeout as delay } from 'node:timers/promises'
import { withTimeout } from './with-timeout.ts'

/** Milliseconds until a condition is checked again, at first and at most: checks take time from what they wait for. */
const [SOON, LATER] = [2, 25]

/** Resolves once `condition` holds; rejects after a minute with an error that contains `awaited()`. */
export async function until (
  condition: () => boolean | Promise<boolean>, awaited = () => String(condition)
): Promise<void> {
  const given = new AbortController()
  const poll = async (): Promise<void> => {
    for (let pause = SOON; !given.signal.aborted && !await condition(); pause = Math.min(pause * 1.5, LATER)) {
      await delay(pause)
    }
  }
  await withTimeout(awaited, poll()).finally(() => { given.abort() })
}
