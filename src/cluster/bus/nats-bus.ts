import type { KvOptions } from '@nats-io/kv'
import type { Msg, NatsConnection, PermissionViolationError, Status } from '@nats-io/transport-node'
import { GodotError } from '../../error.ts'
import { BurstLog } from '../../core/server/log/burst-log.ts'
import { within } from '../../core/within.ts'
import type { Logger } from '../../logger.ts'
import type { Bus, BusMessage, KeyStore } from './bus.ts'
import { checkName, checkSize } from './checks.ts'
import { guard } from './guard.ts'
import { importOptional } from './import-optional.ts'
import { Link } from './link.ts'
import { busError, describeFailure, isTimeout } from './nats-errors.ts'
import { connectionOptions, type NatsOptions } from './nats-options.ts'
import { resetSocket } from './nats-socket.ts'
import { NatsStore } from './nats-store.ts'

/** Timeout of connecting, in milliseconds. */
const CONNECT_TIMEOUT = 4500
/** Timeout of a request for the state of JetStream, in milliseconds, and maximum number of requests. */
const [STATE_TIMEOUT, STATE_REQUESTS] = [1100, 4]
/** Time for which a closing bus waits until the broker has received everything, in milliseconds. */
const CLOSE_TIMEOUT = 1000
/** Bytes after which the broker is asked to confirm them. */
const CONFIRM_BYTES = 262_144

/**
 * Connects a node to NATS.
 *
 * @throws cluster-unavailable if the broker cannot be reached, refuses the credentials or has JetStream off
 * @throws ERR_UNCONFIGURED if the packages of NATS are not installed
 */
export async function connectNats (options: NatsOptions, log: Logger): Promise<Bus> {
  const { connect } = await importOptional<typeof import('@nats-io/transport-node')>('transport-node')
  const attempt = connect(await connectionOptions(options))
  const connection = await inTime(attempt).catch((error: unknown) => { throw unreachable(options, error) })
  try {
    await checkJetStream(connection)
  } catch (error) {
    await connection.close()
    throw unreachable(options, error)
  }
  return new NatsBus(connection, options.replicas ?? 1, log)
}

/** Rejects if it takes too long; a connection that is late is closed. */
async function inTime (attempt: Promise<NatsConnection>): Promise<NatsConnection> {
  const connection = await within(CONNECT_TIMEOUT, attempt)
  if (connection !== undefined) return connection
  attempt.then(async late => { await late.close() }, () => {})
  throw new Error('no response')
}

/** NATS 2.9 loses the first requests of connections that begin together right after its start: asks again. */
async function checkJetStream (connection: NatsConnection, request = 1): Promise<void> {
  const { jetstreamManager } = await importOptional<typeof import('@nats-io/jetstream')>('jetstream')
  await jetstreamManager(connection, { timeout: STATE_TIMEOUT }).catch(async (error: unknown) => {
    if (!isTimeout(error) || request === STATE_REQUESTS) throw error
    await checkJetStream(connection, request + 1)
  })
}

function unreachable ({ servers }: NatsOptions, error: unknown): GodotError {
  if (error instanceof GodotError) return error
  const addresses = [servers].flat().map(server => server.replace(/\/\/.*@/, '//')).join(', ')
  return new GodotError('cluster-unavailable', `cluster: ${describeFailure(error)} (${addresses})`)
}

/** A connection of a node to NATS. */
class NatsBus implements Bus {
  readonly #connection: NatsConnection
  readonly #link = new Link()
  readonly #log: Logger
  /** Logs what the broker refuses, which may be every message. */
  readonly #refusals: BurstLog
  readonly #replicas: number
  readonly #stores = new Map<string, Promise<KeyStore>>()
  #maxPayload: number
  #bytes = new ByteCount()

  constructor (connection: NatsConnection, replicas: number, log: Logger) {
    this.#connection = connection
    this.#maxPayload = connection.info?.max_payload ?? 0
    this.#replicas = replicas
    this.#log = log
    this.#refusals = new BurstLog(log)
    this.#link.onStatus(isConnected => { if (!isConnected) this.#bytes = new ByteCount() })
    this.#followStatus()
  }

  get maxPayload (): number {
    // Unknown while the client reconnects.
    this.#maxPayload = this.#connection.info?.max_payload ?? this.#maxPayload
    return this.#maxPayload
  }

  get isConnected (): boolean {
    return this.#link.isConnected
  }

  get unconfirmedBytes (): number {
    return this.#bytes.published - this.#bytes.confirmed
  }

  publish (subject: string, bytes: Uint8Array): void {
    checkSize(bytes, this.maxPayload)
    if (!this.isConnected) return
    this.#connection.publish(subject, bytes)
    const count = this.#bytes
    count.published += bytes.length
    if (count.published - count.asked >= CONFIRM_BYTES) this.#confirm().catch(() => {})
  }

  /** Asks the broker to confirm what was published so far. */
  async #confirm (): Promise<void> {
    const count = this.#bytes
    const published = count.asked = count.published
    await this.#connection.flush()
    count.confirmed = published
  }

  subscribe (subject: string, receive: (message: BusMessage) => void): () => void {
    const callback = (error: Error | null, message: Msg): void => {
      if (error !== null) return
      // The client stops reading when a callback throws.
      guard(() => { receive(new NatsMessage(message)) })
    }
    const subscription = this.#connection.subscribe(subject, { callback })
    return () => { subscription.unsubscribe() }
  }

  async request (subject: string, bytes: Uint8Array, milliseconds: number): Promise<Uint8Array> {
    checkSize(bytes, this.maxPayload)
    const answer = await this.#ask(subject, () => this.#connection.request(subject, bytes, { timeout: milliseconds }))
    return answer.data
  }

  async flush (): Promise<void> {
    await this.#ask('flush', () => this.#confirm())
  }

  async #ask<Result> (subject: string, question: () => Promise<Result>): Promise<Result> {
    return await this.#link.answer(subject, (resolve, reject) => {
      question().then(resolve, (error: unknown) => { reject(busError(error, subject)) })
      return () => {}
    })
  }

  async openStore (name: string, seconds?: number): Promise<KeyStore> {
    checkName(name)
    let store = this.#stores.get(name)
    if (store === undefined) {
      store = this.#makeStore(name, seconds)
      this.#stores.set(name, store)
      store.catch(() => { this.#stores.delete(name) })
    }
    return await store
  }

  async #makeStore (name: string, seconds?: number): Promise<KeyStore> {
    const options: Partial<KvOptions> = {
      history: 1,
      replicas: this.#replicas,
      // The leader answers reads, as a follower may lag behind.
      allow_direct: false,
      ...seconds !== undefined && { ttl: seconds * 1000 }
    }
    return await NatsStore.open(this.#connection, this.#link, name, options)
  }

  onStatus (listener: (isConnected: boolean) => void): () => void {
    return this.#link.onStatus(listener)
  }

  async #followStatus (): Promise<void> {
    for await (const status of this.#connection.status()) guard(() => { this.#receiveStatus(status) })
  }

  #receiveStatus (status: Status): void {
    switch (status.type) {
      case 'staleConnection':
        this.#link.set(false)
        resetSocket(this.#connection)
        break
      case 'disconnect':
        this.#link.set(false)
        this.#log.warn({ server: status.server }, 'lost the connection to the broker, reconnecting')
        break
      case 'reconnect':
        this.#log.info({ server: status.server }, 'reconnected to the broker')
        this.#link.set(true)
        break
      case 'error':
        this.#refused(status.error)
        break
    }
  }

  #refused (err: Error): void {
    const { name, operation } = err as PermissionViolationError
    const message = 'request refused by the broker'
    this.#refusals.log({ level: 'error', key: { reason: operation ?? name }, message }, { err })
  }

  async close (): Promise<void> {
    if (this.#connection.isClosed()) return
    const isFlushed = await within(CLOSE_TIMEOUT, this.flush().then(() => true, () => false))
    if (isFlushed !== true) resetSocket(this.#connection)
    this.#link.close()
    this.#refusals.end()
    await this.#connection.close()
  }
}

/** Bytes published since the last connect: all, those whose confirmation was asked for, those confirmed. */
class ByteCount {
  published = 0
  asked = 0
  confirmed = 0
}

/** A message of the NATS client. */
class NatsMessage implements BusMessage {
  readonly #message: Msg

  constructor (message: Msg) {
    this.#message = message
  }

  get subject (): string {
    return this.#message.subject
  }

  get bytes (): Uint8Array {
    return this.#message.data
  }

  respond (bytes: Uint8Array): void {
    this.#message.respond(bytes)
  }
}
