// A node of a cluster as a process of its own: `node member.js <url> <id> <timings>`. Prints what is reported to it,
// a line each, and with every line its lease; every few milliseconds it publishes what it is, as a node does with
// packets.
import { setTimeout as delay } from 'node:timers/promises'
import { connectNats } from '../../../src/cluster/bus/nats-bus.ts'
import { GodotError } from '../../../src/error.ts'
import { Membership } from '../../../src/cluster/membership/membership.ts'
import type { Timings } from '../../../src/cluster/membership/timings.ts'
import { RecordingHost } from '../../helper/memory/cluster-host.ts'
import { silentLogger } from '../../helper/silent-logger.ts'

const [url, nodeId, timings] = process.argv.slice(2)

/** Prints what is reported to it. */
class PrintingHost extends RecordingHost {
  override async joined (...args: Parameters<RecordingHost['joined']>): Promise<void> {
    const admitted = super.joined(...args)
    this.#print()
    await admitted
  }

  override left (...args: Parameters<RecordingHost['left']>): void {
    super.left(...args)
    this.#print()
  }

  override ready (): void {
    super.ready()
    print('ready')
  }

  override fenced (): void {
    super.fenced()
    this.#print()
  }

  #print (): void {
    print(this.told.at(-1)!)
  }
}

const bus = await persist(() => connectNats({ servers: url }, silentLogger))
const options = { namespace: 'test', nodeId, version: '1', timings: JSON.parse(timings) as Timings }
const membership = new Membership(bus, options, new PrintingHost(), silentLogger)

function print (event: string): void {
  console.log(JSON.stringify({ event, slot: membership.self?.slot, epoch: membership.self?.epoch }))
}

let isSuspending = false
setInterval(() => {
  if (isSuspending) return
  if (!membership.holdsSlot()) return
  const { slot, epoch } = membership.self!
  bus.publish('test.owner', Buffer.from(`${slot} ${nodeId} ${epoch}`))
}, 5)
// Stops this process once everything that it has published has reached the broker.
process.on('SIGUSR2', async () => {
  isSuspending = true
  await bus.flush()
  isSuspending = false
  process.kill(process.pid, 'SIGSTOP')
})
process.on('SIGTERM', () => {
  membership.leave().then(() => bus.close()).then(() => process.exit(0), () => process.exit(1))
})

await persist(() => membership.start())

/** Tries until the broker responds in time and there is a slot, as a service does that is started again. */
async function persist<T> (start: () => Promise<T>): Promise<T> {
  try {
    return await start()
  } catch (error) {
    if (!(error instanceof GodotError) || error.code !== 'cluster-unavailable') throw error
    // Without a pause, failures that need no response of the broker would leave no time to reconnect.
    await delay(50)
    return await persist(start)
  }
}
