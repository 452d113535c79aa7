import fakeTimers from '@sinonjs/fake-timers'
import type { Test } from 'tap'

/** Time that passes only when told: timers, dates and performance.now() of this process, until the test ends. */
export function stopTime (t: Test): { advance (milliseconds: number): void } {
  const clock = fakeTimers.install({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] })
  t.teardown(() => { clock.uninstall() })
  return { advance: milliseconds => { clock.tick(milliseconds) } }
}
