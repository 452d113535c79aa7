import type { ConsumerMessages, JsMsg, PushConsumer } from '@nats-io/jetstream'
import { BusError, type StoreEntry } from './bus.ts'
import { guard } from './guard.ts'
import type { NatsStream } from './nats-stream.ts'

/** Maximum wait for the next pending key, in milliseconds. */
const LISTING_TIMEOUT = 1000
/** Maximum number of listings until one is complete: a key may expire before it is delivered, or a broker be lost. */
const LISTINGS = 3
/** Milliseconds between attempts to resume after the connection was lost. */
const RETRY = 250
/** Milliseconds between checks whether changes are missing. */
const CHECK_INTERVAL = 1500

/** Follows the changes of a bucket. */
export class NatsWatch {
  readonly #stream: NatsStream
  readonly #receive: (entry: StoreEntry) => void
  readonly #renewed: () => void
  readonly #listing: 'present' | 'with-deleted'
  #consumer: PushConsumer | undefined
  #messages: ConsumerMessages | undefined
  /** Ends the wait for pending keys. */
  #endListing: (() => void) | undefined
  /** When the broker made the bucket whose revisions are followed. */
  #made: string | undefined
  #revision = 0
  /** Revisions up to this one need not be delivered: their keys have changed since, or expired. */
  #listedTo = 0
  /** The revision delivered last when a check found that changes were missing. */
  #stuckAt: number | undefined
  #timer: NodeJS.Timeout | undefined
  /** Counts starts and pauses: results of an earlier start are ignored. */
  #run = 0

  /** `with-deleted`: the first listing has deleted keys, too; values are empty. */
  constructor (
    stream: NatsStream, receive: (entry: StoreEntry) => void, renewed: () => void,
    listing: 'present' | 'with-deleted' = 'present'
  ) {
    this.#stream = stream
    this.#receive = receive
    this.#renewed = renewed
    this.#listing = listing
  }

  /**
   * Delivers all keys, at a later start only the changes since; resolves when they were delivered, or it was paused.
   * Rejects with BusError if the broker does not deliver them.
   */
  async start (): Promise<void> {
    this.pause()
    const run = this.#run
    for (let listings = 0; listings < LISTINGS; listings++) {
      const isComplete = await this.#list()
      if (run !== this.#run) return
      if (isComplete) {
        this.#timer = setInterval(() => { this.#check().catch(() => {}) }, CHECK_INTERVAL).unref()
        return
      }
      this.#endConsumer()
    }
    throw new BusError('timeout', 'watch')
  }

  /** Begins to follow the bucket; returns whether all pending keys were delivered. */
  async #list (): Promise<boolean> {
    const run = this.#run
    const { created, state: { last_seq: last } } = await this.#stream.info()
    const consumer = await this.#stream.addConsumer(this.#listing === 'with-deleted')
    if (run !== this.#run) {
      discard(consumer)
      return false
    }
    this.#consumer = consumer
    const { num_pending: pending } = await consumer.info(true)
    if (run !== this.#run) return false
    const isFirst = this.#made === undefined
    if (created !== this.#made) {
      this.#made = created
      this.#revision = 0
      if (!isFirst) guard(this.#renewed)
    }
    const isComplete = await this.#read(consumer, pending, isFirst)
    if (run !== this.#run) return false
    // Nothing was delivered: the next listing is the first one, too.
    if (isFirst && !isComplete && this.#revision === 0) this.#made = undefined
    this.#listedTo = last
    return isComplete
  }

  /** Delivers messages of a consumer; resolves when its pending ones were delivered (true), or no more come. */
  async #read (consumer: PushConsumer, pending: number, isFirst: boolean): Promise<boolean> {
    const isCurrent = (): boolean => consumer === this.#consumer
    let listed = 0
    let done = (_isComplete: boolean): void => {}
    const complete = new Promise<boolean>(resolve => { done = resolve })
    const timer = setTimeout(done, LISTING_TIMEOUT, false).unref()
    this.#endListing = () => { done(false) }
    if (pending === 0) done(true)
    try {
      const messages = await this.#stream.consume(consumer, message => {
        if (!isCurrent()) return
        this.#deliver(message, isFirst && listed < pending)
        timer.refresh()
        if (++listed >= pending || message.info.pending === 0) done(true)
      })
      if (isCurrent()) this.#messages = messages
      else messages.stop()
      return await complete
    } finally {
      clearTimeout(timer)
    }
  }

  /**
   * A consumer is kept by one broker. When that is lost, but not the connection, no more changes come, which the client
   * notices after a minute. Starts again when changes are missing that were made before an earlier check, and when the
   * bucket is another one.
   */
  async #check (): Promise<void> {
    const run = this.#run
    const { created, state } = await this.#stream.info()
    if (run !== this.#run) return
    const isBehind = state.last_seq > Math.max(this.#revision, this.#listedTo)
    const isStuck = isBehind && this.#stuckAt === this.#revision
    this.#stuckAt = isBehind ? this.#revision : undefined
    if (isStuck || created !== this.#made) this.restart()
  }

  #deliver (message: JsMsg, isListing: boolean): void {
    const { seq: revision, headers, data, subject } = message
    const isDeleted = (headers?.get('KV-Operation') ?? '') !== ''
    if (revision <= this.#revision) return
    this.#revision = revision
    if (isDeleted && isListing && this.#listing === 'present') return
    const value = isDeleted ? undefined : new Uint8Array(data)
    // The client stops reading when a callback throws.
    guard(() => { this.#receive({ key: subject.slice(this.#stream.prefix.length), value, revision }) })
  }

  /** Retries until it has started. */
  restart (): void {
    const attempt = (): void => {
      const started = this.start()
      const run = this.#run
      started.catch(() => { setTimeout(() => { if (run === this.#run) attempt() }, RETRY).unref() })
    }
    attempt()
  }

  /** Stops delivering changes. */
  pause (): void {
    this.#run++
    clearInterval(this.#timer)
    this.#stuckAt = undefined
    this.#endConsumer()
  }

  #endConsumer (): void {
    this.#endListing?.()
    this.#messages?.stop()
    if (this.#consumer !== undefined) discard(this.#consumer)
    this.#messages = this.#consumer = this.#endListing = undefined
  }
}

/** Deletes a consumer at the broker, which otherwise keeps it for some minutes. */
function discard (consumer: PushConsumer): void {
  consumer.delete().catch(() => {})
}
