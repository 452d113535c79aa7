// The interval is not the global one, which is replaced.
import { clearInterval, setInterval } from 'node:timers'
import fakeTimers from '@sinonjs/fake-timers'
import type { Test } from 'tap'

/** A stopped clock. */
export interface StoppedClock {
  /** Advances the time, which fires timers. */
  advance (milliseconds: number): void
  /** Changes the date by `milliseconds`, as an operator or NTP does; the monotonic time does not change. */
  shiftDate (milliseconds: number): void
  /** Timers that have been set since it was stopped and still wait. */
  waiting (): number
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
    shiftDate: milliseconds => { clock.setSystemTime(Date.now() + milliseconds) },
    waiting: () => clock.countTimers()
  }
}

/** Milliseconds that pass at once in simulated time. */
const STEP = 4

/**
 * Simulates time until the test ends: it passes only while this process runs, about four times as fast, so that no
 * timer is late on a busy machine.
 */
export function simulateTime (t: Test): void {
  const clock = stopTime(t)
  const timer = setInterval(() => { clock.advance(STEP) }, 1)
  t.teardown(() => { clearInterval(timer) })
}
