import { setTimeout as delay } from 'node:timers/promises'
import { Histogram } from './histogram.ts'
import type { Figures, Job } from './job.ts'
import { cpuSeconds } from './process-usage.ts'

/** Counts messages and measures latency and CPU time. */
export class Meter {
  readonly latency = new Histogram()
  messages = 0
  faults = 0

  /** Runs the load for `warm` seconds of warm-up, then measures for `seconds`. */
  async measure ({ pid, warm, seconds }: Job): Promise<Figures> {
    await delay(warm * 1000)
    this.messages = 0
    this.latency.clear()
    const before = usage(pid)
    await delay(seconds * 1000)
    const after = usage(pid)
    const passed = after.time - before.time
    const serverSeconds = after.server - before.server
    return {
      perSecond: this.messages / passed,
      p50: this.latency.percentile(0.5),
      p99: this.latency.percentile(0.99),
      serverCpu: serverSeconds / passed,
      generatorCpu: (after.own - before.own) / passed,
      cpuEach: serverSeconds * 1e6 / this.messages,
      faults: this.faults
    }
  }
}

/** Monotonic time, and CPU time of the server and of this process, in seconds. */
function usage (pid: number): { time: number, server: number, own: number } {
  const { user, system } = process.cpuUsage()
  return { time: now() / 1e6, server: cpuSeconds(pid), own: (user + system) / 1e6 }
}

/** Monotonic time in microseconds. */
export function now (): number {
  return performance.now() * 1000
}
