import fakeTimers from '@sinonjs/fake-timers'
import type { Test } from 'tap'

/** A stopped clock. */
export interface StoppedClock {
  /** Lets time pass, and timers fire. */
  advance (milliseconds: number): void
  /** Sets the date by `milliseconds` forward or back, as an operator or NTP does; no time passes. */
  shiftDate (milliseconds: number): void
}

/** Stops timers, dates and performance.now() of this process until the test ends. */
export function stopTime (t: Test): StoppedClock {
  const clock = fakeTimers.install({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance']
  })
  t.teardown(() => { clock.uninstall() })
  return {
    advance: milliseconds => { clock.tick(milliseconds) },
    shiftDate: milliseconds => { clock.setSystemTime(Date.now() + milliseconds) }
  }
}
