import { setTimeout as delay } from 'node:timers/promises'
import { Histogram } from './histogram.ts'
import type { Figures, Job } from './job.ts'
import { cpuSeconds, transferredBytes } from './process-usage.ts'

/** Milliseconds between checks for a message. */
const POLL = 10
/** Seconds that a phase with a cluster may last longer. */
const MOST_EXTRA = 10

/** Counts messages and measures latency and CPU time. */
export class Meter {
  readonly latency = new Histogram()
  messages = 0
  faults = 0

  /** Runs the load for `warm` seconds of warm-up, then measures for `seconds`, or until the first message. */
  async measure (job: Job): Promise<Figures> {
    const { cluster, warm, seconds } = job
    await pass(job, warm)
    this.messages = 0
    this.latency.clear()
    const before = usage(job)
    await pass(job, seconds)
    if (seconds > 0) await this.#untilMessage()
    const after = usage(job)
    const passed = after.time - before.time
    const serverSeconds = after.server - before.server
    return {
      perSecond: this.messages / passed,
      p50: this.latency.percentile(0.5),
      p99: this.latency.percentile(0.99),
      serverCpu: serverSeconds / passed,
      generatorCpu: (after.own - before.own) / passed,
      cpuEach: serverSeconds * 1e6 / this.messages,
      ...cluster !== undefined && {
        brokerCpuEach: (after.broker - before.broker) * 1e6 / this.messages,
        brokerBytesEach: (after.brokerBytes - before.brokerBytes) / this.messages
      },
      faults: this.faults
    }
  }

  async #untilMessage (): Promise<void> {
    while (this.messages === 0) await delay(POLL)
  }
}

/**
 * Waits. With a cluster also until its nodes have used as much CPU time together: on a machine with other load they
 * would do little in this time.
 */
async function pass (job: Job, seconds: number): Promise<void> {
  const start = usage(job)
  await delay(seconds * 1000)
  for (let { time, server } = start; job.cluster !== undefined && server - start.server < seconds;) {
    if (time - start.time > seconds + MOST_EXTRA) return
    await delay(100)
    ;({ time, server } = usage(job))
  }
}

/** Usage of processes since their start; CPU times in seconds. */
interface Usage {
  /** Monotonic, in seconds. */
  readonly time: number
  /** The server, or all nodes of a cluster. */
  readonly server: number
  readonly broker: number
  readonly brokerBytes: number
  readonly own: number
}

function usage ({ pid, cluster }: Job): Usage {
  const { user, system } = process.cpuUsage()
  const pids = cluster?.nodes.map(({ pid }) => pid) ?? [pid]
  return {
    time: now() / 1e6,
    server: pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0),
    broker: cluster === undefined ? NaN : cpuSeconds(cluster.broker),
    brokerBytes: cluster === undefined ? NaN : transferredBytes(cluster.broker),
    own: (user + system) / 1e6
  }
}

/** Monotonic time in microseconds. */
export function now (): number {
  return performance.now() * 1000
}
