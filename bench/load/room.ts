import { setImmediate as turn } from 'node:timers/promises'
import { join } from './clients.ts'
import type { Client } from './client.ts'
import { FrameWalker } from './frame-walker.ts'
import type { Figures, Job } from './job.ts'
import { FIXED_AT, Message, readAge, readSender } from './message.ts'
import { Meter, now } from './meter.ts'
import { wires } from './wire.ts'

/** Of so many deliveries one has its latency taken, and of so many one is compared byte by byte. */
const TIMED = 8
const COMPARED = 1024

/** Everybody gets what a sender sends. With a rate senders keep to it; else each keeps `window` messages under way to all others. */
export async function room (job: Job): Promise<Figures> {
  const load = new RoomLoad(await join(job, job.connections), job)
  if (job.rate === undefined) load.fill(job.window)
  else load.pace(job.rate)
  return await load.meter.measure(job)
}

class RoomLoad {
  readonly meter = new Meter()
  readonly #senders: Client[]
  readonly #messages: Message[]
  readonly #isPaced: boolean
  readonly #receivers: number
  /** Per sender: deliveries until its oldest message is with everybody, and messages it owes. */
  readonly #open: Int32Array
  readonly #owed: Int32Array
  /** Senders that owe messages; they send when all chunks of this loop turn are read. */
  #debtors: number[] = []
  #time = 0
  #count = 0

  constructor (clients: Client[], job: Job) {
    this.#senders = clients.slice(0, job.senders)
    this.#messages = this.#senders.map(({ id, index }) => new Message(wires[job.wire], id, index, job.size))
    this.#isPaced = job.rate !== undefined
    this.#receivers = clients.length - 1
    this.#open = new Int32Array(this.#senders.length).fill(this.#receivers)
    this.#owed = new Int32Array(this.#senders.length)
    for (const client of clients) this.#listen(client)
  }

  /** Puts `window` messages of every sender under way. */
  fill (window: number): void {
    for (const { index } of this.#senders) this.#send(index, window, now())
  }

  /** Sends at a fixed rate, senders in turn; latency counts from when a message was due, so a late one hides nothing. */
  async pace (rate: number): Promise<void> {
    const start = now()
    const period = 1e6 / (rate * this.#senders.length)
    for (let sent = 0; ; await turn()) {
      for (let due = start + sent * period; due <= now(); due = start + ++sent * period) {
        this.#send(sent % this.#senders.length, 1, due)
      }
    }
  }

  #listen (client: Client): void {
    const [like] = this.#messages
    const walker = new FrameWalker(like.received.length, (bytes, start, end) => { this.#deliver(bytes, start, end, like) })
    client.reader = (bytes, length) => {
      this.#time = now()
      walker.walk(bytes, length)
    }
  }

  /** The only loop that counts: it runs millions of times a second. */
  #deliver (bytes: Buffer, start: number, end: number, { received, textAt }: Message): void {
    const size = received.length
    const [first, second] = received
    const open = this.#open
    for (let at = start; at < end; at += size) {
      const sender = readSender(bytes, at + textAt)
      if (bytes[at] !== first || bytes[at + 1] !== second || sender >= open.length) this.meter.faults++
      else if (--open[sender] === 0) this.#complete(sender)
      if (++this.#count % TIMED === 0) this.#sample(bytes, at, sender)
    }
    this.meter.messages += (end - start) / size
  }

  #sample (bytes: Buffer, at: number, sender: number): void {
    const { received, textAt } = this.#messages[sender]
    this.meter.latency.add(readAge(bytes, at + textAt, this.#time), 1)
    if (this.#count % COMPARED !== 0) return
    const [fixed, end] = [textAt + FIXED_AT, received.length]
    const isHeadGood = bytes.compare(received, 0, textAt, at, at + textAt) === 0
    const isRestGood = bytes.compare(received, fixed, end, at + fixed, at + end) === 0
    if (!isHeadGood || !isRestGood) this.meter.faults++
  }

  /** A message of this sender is with everybody, so the next one is due. */
  #complete (sender: number): void {
    this.#open[sender] = this.#receivers
    if (this.#isPaced) return
    if (this.#debtors.length === 0) setImmediate(() => { this.#pay() })
    if (this.#owed[sender]++ === 0) this.#debtors.push(sender)
  }

  #pay (): void {
    const time = now()
    const debtors = this.#debtors
    this.#debtors = []
    for (const sender of debtors) {
      this.#send(sender, this.#owed[sender], time)
      this.#owed[sender] = 0
    }
  }

  #send (sender: number, count: number, time: number): void {
    this.#senders[sender].write(this.#messages[sender].stamped(count, time))
  }
}
