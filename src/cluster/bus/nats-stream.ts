import type { ConsumerMessages, JetStreamManager, JsMsg, PushConsumer, StreamInfo } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { BusError } from './bus.ts'
import { isMissingMessage } from './nats-errors.ts'

/** The stream in which JetStream keeps a bucket, for what the client of buckets does not offer. */
export class NatsStream {
  /** What subjects have before the key. */
  readonly prefix: string
  readonly #connection: NatsConnection
  readonly #manager: JetStreamManager
  readonly #name: string

  constructor (connection: NatsConnection, manager: JetStreamManager, bucket: string) {
    this.#connection = connection
    this.#manager = manager
    this.#name = `KV_${bucket}`
    this.prefix = `$KV.${bucket}.`
  }

  async info (): Promise<StreamInfo> {
    return await this.#manager.streams.info(this.#name)
  }

  /** A consumer of the latest message of each key, and of all that follow; `headersOnly`: without values. */
  async addConsumer (headersOnly: boolean): Promise<PushConsumer> {
    return await this.#manager.jetstream().consumers.getPushConsumer(this.#name, {
      deliver_policy: 'last_per_subject',
      headers_only: headersOnly,
      filter_subjects: `${this.prefix}>`
    })
  }

  /** Calls back with each message. */
  async consume (consumer: PushConsumer, callback: (message: JsMsg) => void): Promise<ConsumerMessages> {
    // The client would start a timer, which keeps the process alive, before it throws.
    if (this.#connection.isClosed()) throw new BusError('disconnected', this.#name)
    return await consumer.consume({ callback })
  }

  /**
   * Rejects while another node is creating the bucket: until then the broker refuses consumers. Before version 2.10 it
   * would crash if a key were read.
   */
  async checkComplete (): Promise<void> {
    const { consumers } = this.#manager
    const { name } = await consumers.add(this.#name, { ack_policy: 'none' })
    await consumers.delete(this.#name, name)
  }

  /**
   * Deletes a message, if it is still there. Not by a purge of its key: during one, consumers of NATS 2.9 may miss
   * messages of other keys.
   */
  async drop (revision: number): Promise<void> {
    await this.#manager.streams.deleteMessage(this.#name, revision, false).catch((error: unknown) => {
      if (!isMissingMessage(error)) throw error
    })
  }
}
