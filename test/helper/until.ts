import { setTimeout as delay } from 'node:timers/promises'
import { withTimeout } from './with-timeout.ts'

/** Resolves once `condition` holds; rejects after so many seconds with an error that contains `awaited()`. */
export async function until (
  condition: () => boolean | Promise<boolean>, awaited = () => String(condition), seconds = 30
): Promise<void> {
  const given = new AbortController()
  const poll = async (): Promise<void> => {
    while (!given.signal.aborted && !await condition()) await delay(2)
  }
  await withTimeout(seconds, awaited, poll()).finally(() => { given.abort() })
}
