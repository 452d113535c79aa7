import fakeTimers from '@sinonjs/fake-timers'
import type { Test } from 'tap'

/** A stopped clock. */
export interface StoppedClock {
  /** Advances the time, which fires timers. */
  advance (milliseconds: number): void
  /** Changes the date by `milliseconds`, as an operator or NTP does; the monotonic time does not change. */
  shiftDate (milliseconds: number): void
}

/** Stops timers, dates and performance.now() of this process until the test ends. */
export function stopTime (t: Test): StoppedClock {
  const clock = fakeTimers.install({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
    // Timers of `fetch` that were set before.
    shouldClearNativeTimers: true
  })
  t.teardown(() => { clock.uninstall() })
  return {
    advance: milliseconds => { clock.tick(milliseconds) },
    shiftDate: milliseconds => { clock.setSystemTime(Date.now() + milliseconds) }
  }
}
