import { setImmediate as nextTurn } from 'node:timers/promises'
import { join } from './clients.ts'
import type { Client } from './client.ts'
import { FrameWalker } from './frame-walker.ts'
import type { Figures, Job } from './job.ts'
import { FIXED_AT, Message, readAge, readSender } from './message.ts'
import { Meter, now } from './meter.ts'
import { wires } from './wire.ts'

/** Latency is measured of one in this many deliveries. */
const LATENCY_INTERVAL = 8
/** One in this many deliveries is compared byte by byte. */
const COMPARE_INTERVAL = 1024

/**
 * Every message is delivered to all other clients. Senders send at a fixed rate, or keep `window` messages in flight.
 */
export async function room (job: Job): Promise<Figures> {
  const meter = new Meter()
  new RoomLoad(await join(job, job.connections), job, meter).start()
  return await meter.measure(job)
}

/** The load of one room. */
export class RoomLoad {
  readonly #job: Job
  readonly #meter: Meter
  readonly #senders: Client[]
  readonly #messages: Message[]
  readonly #isPaced: boolean
  readonly #receivers: number
  /** Missing deliveries of the oldest message in flight, per sender. */
  readonly #missing: Int32Array
  /** Number of messages to send next, per sender. */
  readonly #due: Int32Array
  /** Senders with due messages, which are sent when all chunks of this event loop turn have been read. */
  #dueSenders: number[] = []
  #time = 0
  #count = 0

  constructor (clients: Client[], job: Job, meter: Meter) {
    this.#job = job
    this.#meter = meter
    this.#senders = clients.slice(0, job.senders)
    this.#messages = this.#senders.map(({ id }, index) => new Message(wires[job.wire], id, index, job.size))
    this.#isPaced = job.rate !== undefined
    this.#receivers = clients.length - 1
    this.#missing = new Int32Array(this.#senders.length).fill(this.#receivers)
    this.#due = new Int32Array(this.#senders.length)
    for (const client of clients) this.#listen(client)
  }

  start (): void {
    const { rate, window } = this.#job
    if (rate === undefined) for (const index of this.#senders.keys()) this.#send(index, window, now())
    else this.#pace(rate)
  }

  /**
   * Sends at a fixed rate, senders in turn. Latency counts from the scheduled time, so it includes delays of the
   * generator.
   */
  async #pace (rate: number): Promise<void> {
    const start = now()
    const period = 1e6 / (rate * this.#senders.length)
    for (let sent = 0; ; await nextTurn()) {
      for (let due = start + sent * period; due <= now(); due = start + ++sent * period) {
        this.#send(sent % this.#senders.length, 1, due)
      }
    }
  }

  #listen (client: Client): void {
    const [first] = this.#messages
    const walker = new FrameWalker(first.received.length, (bytes, start, end) => {
      this.#deliver(bytes, start, end, first)
    })
    client.reader = (bytes, length) => {
      this.#time = now()
      walker.walk(bytes, length)
    }
  }

  /** Hot loop: runs millions of times per second. */
  #deliver (bytes: Buffer, start: number, end: number, { received, textAt }: Message): void {
    const size = received.length
    const [first, second] = received
    const missing = this.#missing
    for (let at = start; at < end; at += size) {
      const sender = readSender(bytes, at + textAt)
      if (bytes[at] !== first || bytes[at + 1] !== second || sender >= missing.length) this.#meter.faults++
      else if (--missing[sender] === 0) this.#complete(sender)
      if (++this.#count % LATENCY_INTERVAL === 0) this.#sample(bytes, at, sender)
    }
    this.#meter.messages += (end - start) / size
  }

  #sample (bytes: Buffer, at: number, sender: number): void {
    const { received, textAt } = this.#messages[sender]
    this.#meter.latency.add(readAge(bytes, at + textAt, this.#time), 1)
    if (this.#count % COMPARE_INTERVAL !== 0) return
    const [fixed, end] = [textAt + FIXED_AT, received.length]
    const isHeaderEqual = bytes.compare(received, 0, textAt, at, at + textAt) === 0
    const isRestEqual = bytes.compare(received, fixed, end, at + fixed, at + end) === 0
    if (!isHeaderEqual || !isRestEqual) this.#meter.faults++
  }

  /** A message of this sender has been delivered to all, so the next one is due. */
  #complete (sender: number): void {
    this.#missing[sender] = this.#receivers
    if (this.#isPaced) return
    if (this.#dueSenders.length === 0) setImmediate(() => { this.#sendDue() })
    if (this.#due[sender]++ === 0) this.#dueSenders.push(sender)
  }

  #sendDue (): void {
    const time = now()
    const senders = this.#dueSenders
    this.#dueSenders = []
    for (const sender of senders) {
      this.#send(sender, this.#due[sender], time)
      this.#due[sender] = 0
    }
  }

  #send (sender: number, count: number, time: number): void {
    this.#senders[sender].write(this.#messages[sender].stamped(count, time))
  }
}
