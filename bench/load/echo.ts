import { join } from './clients.ts'
import type { Client } from './client.ts'
import type { Figures, Job } from './job.ts'
import { Message } from './message.ts'
import { Meter, now } from './meter.ts'
import { wires } from './wire.ts'

/** In one of this many chunks the first complete frame is compared with the sent one. */
const SAMPLE_INTERVAL = 64

/** Each client keeps `window` messages in flight and sends another for each echo. */
export async function echo (job: Job): Promise<Figures> {
  const meter = new Meter()
  for (const client of await join(job, job.connections)) startEcho(client, job, meter)
  return await meter.measure(job)
}

/** Starts the load of one client. */
export function startEcho (client: Client, job: Job, meter: Meter, message = messageOf(client, job)): void {
  const load = new EchoLoad(client, job, meter, message)
  client.reader = (bytes, length) => { load.read(bytes, length) }
  load.send(job.window)
}

function messageOf ({ id, index }: Client, { wire, size }: Job): Message {
  return new Message(wires[wire], id, index, size)
}

/** Counts echoes by their bytes: all frames of a client are equal, and arrive in order. */
class EchoLoad {
  readonly #client: Client
  readonly #meter: Meter
  readonly #reply: Buffer
  /** [n]: n consecutive frames. */
  readonly #frames: Buffer[]
  readonly #inFlight: InFlightBatches
  /** Received bytes of an incomplete frame. */
  #partial = 0
  #chunks = 0

  constructor (client: Client, { window }: Job, meter: Meter, message: Message) {
    const all = window === 1 ? message.sent : message.stamped(window, 0)
    this.#client = client
    this.#meter = meter
    this.#reply = message.received
    this.#frames = Array.from({ length: window + 1 }, (_, count) => all.subarray(0, count * message.sent.length))
    this.#inFlight = new InFlightBatches(window)
  }

  send (count: number): void {
    this.#inFlight.add(count, now())
    this.#client.write(this.#frames[count])
  }

  read (bytes: Buffer, length: number): void {
    if (this.#chunks++ % SAMPLE_INTERVAL === 0) this.#check(bytes, length)
    const received = this.#partial + length
    const count = Math.floor(received / this.#reply.length)
    this.#partial = received - count * this.#reply.length
    if (count === 0) return
    this.#meter.messages += count
    this.#inFlight.complete(count, now(), this.#meter)
    this.send(count)
  }

  #check (bytes: Buffer, length: number): void {
    const size = this.#reply.length
    const start = this.#partial === 0 ? 0 : size - this.#partial
    if (start + size <= length && bytes.compare(this.#reply, 0, size, start, start + size) !== 0) this.#meter.faults++
  }
}

/** Send times of the messages in flight: a ring of batches, oldest first. */
class InFlightBatches {
  readonly #counts: Uint32Array
  readonly #times: Float64Array
  #first = 0
  #next = 0

  constructor (window: number) {
    this.#counts = new Uint32Array(window + 1)
    this.#times = new Float64Array(window + 1)
  }

  add (count: number, time: number): void {
    this.#counts[this.#next] = count
    this.#times[this.#next] = time
    this.#next = (this.#next + 1) % this.#counts.length
  }

  /** Records that the oldest `count` messages have arrived at `time`. */
  complete (count: number, time: number, { latency }: Meter): void {
    while (count > 0) {
      const done = Math.min(count, this.#counts[this.#first])
      latency.add(time - this.#times[this.#first], done)
      count -= done
      this.#counts[this.#first] -= done
      if (this.#counts[this.#first] === 0) this.#first = (this.#first + 1) % this.#counts.length
    }
  }
}
