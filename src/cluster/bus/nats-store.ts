import { setTimeout as delay } from 'node:timers/promises'
import type { KV, KvOptions } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import type { KeyStore, StoreEntry } from './bus.ts'
import { importOptional } from './import-optional.ts'
import type { Link } from './link.ts'
import { busError, isBeingCreated, isMissingStore, isWrongRevision } from './nats-errors.ts'
import { NatsStream } from './nats-stream.ts'
import { NatsWatch } from './nats-watch.ts'

/** Timeout of the broker's responses, in milliseconds. */
const TIMEOUT = 2000
/** Maximum number of attempts to create a store that another node may be creating, and milliseconds between them. */
const [ATTEMPTS, PAUSE] = [40, 50]
/** Maximum number of deleted keys that the broker is asked to drop at the same time. */
const DROPS = 20

/** A bucket of NATS. It is created again when a restarted broker has lost it. */
export class NatsStore implements KeyStore {
  readonly #link: Link
  readonly #stream: NatsStream
  readonly #makeBucket: () => Promise<KV>
  /** Brokers that keep the bucket. */
  readonly #replicas: number
  readonly #watches = new Set<NatsWatch>()
  #bucket: KV | undefined
  #making: Promise<KV> | undefined
  /** Settles when the bucket can be read; undefined after a reconnect, as the broker may have lost the bucket. */
  #complete: Promise<void> | undefined

  constructor (link: Link, stream: NatsStream, replicas: number, makeBucket: () => Promise<KV>) {
    this.#link = link
    this.#stream = stream
    this.#replicas = replicas
    this.#makeBucket = makeBucket
    link.onStatus(isConnected => {
      for (const watch of this.#watches) isConnected ? watch.restart() : watch.pause()
      this.#complete = undefined
    })
  }

  /** Creates the bucket if it does not exist. */
  static async open (
    connection: NatsConnection, link: Link, name: string, options: Partial<KvOptions>
  ): Promise<NatsStore> {
    const { jetstream, jetstreamManager } = await importOptional<typeof import('@nats-io/jetstream')>('jetstream')
    const { Kvm } = await importOptional<typeof import('@nats-io/kv')>('kv')
    const client = { timeout: TIMEOUT, checkAPI: false }
    const buckets = new Kvm(jetstream(connection, client))
    const stream = new NatsStream(connection, await jetstreamManager(connection, client), name)
    const store = new NatsStore(link, stream, options.replicas ?? 1, () => buckets.create(name, options))
    await store.#call(name, async () => {})
    return store
  }

  create (key: string, value: Uint8Array): Promise<number | undefined> {
    // The client reads a key that exists.
    return this.#read(key, bucket => unlessWrong(bucket.create(key, value)))
  }

  update (key: string, value: Uint8Array, revision: number): Promise<number | undefined> {
    return this.#call(key, bucket => unlessWrong(bucket.update(key, value, revision)))
  }

  put (key: string, value: Uint8Array): Promise<number> {
    return this.#call(key, bucket => bucket.put(key, value))
  }

  delete (key: string, revision?: number): Promise<boolean> {
    const options = revision === undefined ? {} : { previousSeq: revision }
    return this.#call(key, async bucket => await unlessWrong(bucket.delete(key, options).then(() => true)) ?? false)
  }

  get (key: string): Promise<StoreEntry | undefined> {
    return this.#read(key, async bucket => {
      const entry = await bucket.get(key)
      return entry?.operation === 'PUT' ? { key, value: entry.value, revision: entry.revision } : undefined
    })
  }

  age (key: string): Promise<number | undefined> {
    return this.#read(key, async bucket => {
      const entry = await bucket.get(key)
      if (entry?.operation !== 'PUT') return undefined
      const { created } = await this.#stream.info()
      return entry.created.getTime() - Date.parse(created)
    })
  }

  compact (upTo: number): Promise<number> {
    return this.#read('compact', async () => {
      const { state: { last_seq: latest } } = await this.#stream.info()
      // Otherwise the broker has lost the store of that revision.
      if (upTo > 0 && upTo <= latest) await this.#dropDeleted(Math.min(upTo, latest - 1))
      return latest
    })
  }

  /** Not the latest message of all, with which a broker that is restarted continues its count. */
  async #dropDeleted (upTo: number): Promise<void> {
    const deleted: number[] = []
    const listing = new NatsWatch(this.#stream, ({ value, revision }) => {
      if (value === undefined && revision <= upTo) deleted.push(revision)
    }, () => {}, 'with-deleted')
    await listing.start().finally(() => { listing.pause() })
    while (deleted.length > 0) await Promise.all(deleted.splice(-DROPS).map(revision => this.#stream.drop(revision)))
  }

  async watch (receive: (entry: StoreEntry) => void, renewed = (): void => {}): Promise<() => void> {
    const watch = new NatsWatch(this.#stream, receive, renewed)
    await this.#call('watch', () => whenCreated(() => watch.start())).catch((error: unknown) => {
      watch.pause()
      throw error
    })
    this.#watches.add(watch)
    return () => {
      this.#watches.delete(watch)
      watch.pause()
    }
  }

  /** Runs an operation that reads keys. */
  #read<Result> (key: string, action: (bucket: KV) => Promise<Result>): Promise<Result> {
    return this.#call(key, async bucket => {
      this.#complete ??= this.#whenComplete()
      const complete = this.#complete
      await complete.catch((error: unknown) => {
        if (this.#complete === complete) this.#complete = undefined
        throw error
      })
      return await action(bucket)
    })
  }

  /** Runs an operation on the bucket, which is created again if the broker has lost it. */
  #call<Result> (key: string, action: (bucket: KV) => Promise<Result>): Promise<Result> {
    return this.#link.answer(key, (resolve, reject) => {
      const attempt = async (): Promise<Result> => {
        try {
          return await action(await this.#open())
        } catch (error) {
          if (!isMissingStore(error)) throw error
          this.#bucket = this.#complete = undefined
          const result = await action(await this.#open())
          for (const watch of this.#watches) watch.restart()
          return result
        }
      }
      attempt().then(resolve, (error: unknown) => { reject(busError(error, key)) })
      return () => {}
    })
  }

  /** The bucket, created by the first caller. */
  async #open (): Promise<KV> {
    if (this.#bucket !== undefined) return this.#bucket
    this.#making ??= whenCreated(this.#makeBucket).finally(() => { this.#making = undefined })
    this.#bucket = await this.#making
    return this.#bucket
  }

  /** Several brokers are not asked: they could give the consumer to one that is lost. */
  async #whenComplete (): Promise<void> {
    if (this.#replicas === 1) await whenCreated(() => this.#stream.checkComplete())
  }
}

/** Tries again while another node is creating the store. */
async function whenCreated<Result> (action: () => Promise<Result>, attempt = 1): Promise<Result> {
  try {
    return await action()
  } catch (error) {
    if (!isBeingCreated(error) || attempt === ATTEMPTS) throw error
    await delay(PAUSE)
    return await whenCreated(action, attempt + 1)
  }
}

/** Undefined when the key has another revision. */
async function unlessWrong<Result> (change: Promise<Result>): Promise<Result | undefined> {
  try {
    return await change
  } catch (error) {
    if (isWrongRevision(error)) return undefined
    throw error
  }
}
