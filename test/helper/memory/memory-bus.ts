import { BusError, type Bus, type BusMessage, type KeyStore, type StoreEntry } from '../../../src/cluster/bus/bus.ts'
import { checkName, checkSize } from '../../../src/cluster/bus/checks.ts'
import { guard } from '../../../src/cluster/bus/guard.ts'
import { Link } from '../../../src/cluster/bus/link.ts'
import { GodotError } from '../../../src/error.ts'
import { MemoryStore } from './memory-store.ts'
import { Subscriptions } from './subscriptions.ts'

/** Answers a request; undefined if there is no handler. */
type Answer = (bytes: Uint8Array | undefined) => void

/** Connects servers of one process as the nodes of a cluster. */
export class MemoryBroker {
  readonly #buses = new Set<MemoryBus>()
  readonly #stores = new Map<string, MemoryStore>()
  readonly #maxPayload: number
  #madeAt = -Infinity
  #queue: Array<() => void> = []

  /** Bytes of the largest message. */
  constructor (maxPayload = 1_048_576) {
    this.#maxPayload = maxPayload
  }

  /** A connection for one node. */
  connect (): Bus {
    const bus = new MemoryBus(this, this.#maxPayload)
    this.#buses.add(bus)
    return bus
  }

  /** Disconnects a node, as if the network between it and the broker had failed. */
  cut (bus: Bus): void {
    this.#own(bus).setConnected(false)
  }

  /** Reconnects it. */
  restore (bus: Bus): void {
    this.#own(bus).setConnected(true)
  }

  /** Forgets all keys, as a broker does that is restarted and keeps them in memory. */
  forget (): void {
    this.#madeAt = performance.now()
    this.#stores.clear()
    for (const bus of this.#buses) {
      if (!bus.isConnected) continue
      this.cut(bus)
      this.restore(bus)
    }
  }

  /** Calls this in a later turn, in the order of the calls. */
  defer (action: () => void): void {
    if (this.#queue.push(action) === 1) setImmediate(() => { this.#run() })
  }

  #run (): void {
    const actions = this.#queue
    this.#queue = []
    for (const action of actions) action()
  }

  /** Delivers a message to all subscribers except those of the sender. */
  deliver (from: MemoryBus, subject: string, bytes: Uint8Array, answer?: Answer): void {
    let receivers = 0
    for (const bus of this.#buses) {
      if (bus !== from && bus.isConnected) receivers += bus.receive(subject, bytes, answer)
    }
    if (receivers === 0) answer?.(undefined)
  }

  /** The store of this name, created if it does not exist. */
  store (name: string, seconds: number): MemoryStore {
    const store = this.#stores.get(name) ?? new MemoryStore(seconds, this.#madeAt)
    this.#stores.set(name, store)
    return store
  }

  /** Removes a connection. */
  remove (bus: MemoryBus): void {
    this.#buses.delete(bus)
  }

  #own (bus: Bus): MemoryBus {
    if (bus instanceof MemoryBus && this.#buses.has(bus)) return bus
    throw new GodotError('ERR_INVALID_PARAMETER', 'expected an open connection of this broker')
  }
}

/** A connection of one node to a MemoryBroker. */
class MemoryBus implements Bus {
  readonly maxPayload: number
  readonly #broker: MemoryBroker
  readonly #subscriptions = new Subscriptions<BusMessage>()
  readonly #link = new Link()
  #unconfirmedBytes = 0

  constructor (broker: MemoryBroker, maxPayload: number) {
    this.#broker = broker
    this.maxPayload = maxPayload
  }

  get isConnected (): boolean {
    return this.#link.isConnected
  }

  get unconfirmedBytes (): number {
    return this.#unconfirmedBytes
  }

  publish (subject: string, bytes: Uint8Array): void {
    checkSize(bytes, this.maxPayload)
    if (this.isConnected) this.#send(subject, bytes)
  }

  #send (subject: string, bytes: Uint8Array, answer?: Answer): void {
    this.#unconfirmedBytes += bytes.length
    this.#broker.defer(() => {
      this.#unconfirmedBytes -= bytes.length
      this.#broker.deliver(this, subject, bytes, answer)
    })
  }

  subscribe (subject: string, receive: (message: BusMessage) => void): () => void {
    return this.#subscriptions.add(subject, receive)
  }

  /** Delivers a message to the receivers of this node; returns their number. */
  receive (subject: string, bytes: Uint8Array, answer?: Answer): number {
    const receivers = this.#subscriptions.matching(subject)
    const respond = (response: Uint8Array): void => {
      if (this.isConnected) this.#broker.defer(() => { answer?.(new Uint8Array(response)) })
    }
    for (const receive of receivers) {
      // Each has bytes of its own and may change them; an exception does not keep the message from the others.
      guard(() => { receive({ subject, bytes: new Uint8Array(bytes), respond }) })
    }
    return receivers.length
  }

  async request (subject: string, bytes: Uint8Array, milliseconds: number): Promise<Uint8Array> {
    checkSize(bytes, this.maxPayload)
    return await this.#link.answer(subject, (resolve, reject) => {
      const timer = setTimeout(() => { reject(new BusError('timeout', subject)) }, milliseconds)
      this.#send(subject, bytes, response => {
        if (response === undefined) reject(new BusError('no-responders', subject))
        else resolve(response)
      })
      return () => { clearTimeout(timer) }
    })
  }

  async flush (): Promise<void> {
    await this.call('flush', () => {})
  }

  /** What a call of the broker returns, in order with what is published. */
  call<Result> (subject: string, action: () => Result): Promise<Result> {
    return this.#link.answer(subject, resolve => {
      this.#broker.defer(() => { if (this.isConnected) resolve(action()) })
      return () => {}
    })
  }

  async openStore (name: string, seconds = Infinity): Promise<KeyStore> {
    checkName(name)
    return await this.call(name, () => {
      this.#broker.store(name, seconds)
      return new MemoryKeyStore(this, () => this.#broker.store(name, seconds))
    })
  }

  onStatus (listener: (isConnected: boolean) => void): () => void {
    return this.#link.onStatus(listener)
  }

  /** Loses or restores the connection. */
  setConnected (isConnected: boolean): void {
    this.#link.set(isConnected)
  }

  async close (): Promise<void> {
    if (this.isConnected) await this.flush()
    this.#link.close()
    this.#broker.remove(this)
  }
}

/** A store as one node sees it. */
class MemoryKeyStore implements KeyStore {
  readonly #bus: MemoryBus
  readonly #current: () => MemoryStore

  /** `current` is the store that the broker has now: it may have lost the one before. */
  constructor (bus: MemoryBus, current: () => MemoryStore) {
    this.#bus = bus
    this.#current = current
  }

  create (key: string, value: Uint8Array): Promise<number | undefined> {
    return this.#call(key, store => store.get(key) === undefined ? store.set(key, value) : undefined)
  }

  update (key: string, value: Uint8Array, revision: number): Promise<number | undefined> {
    return this.#call(key, store => store.get(key)?.revision === revision ? store.set(key, value) : undefined)
  }

  put (key: string, value: Uint8Array): Promise<number> {
    return this.#call(key, store => store.set(key, value))
  }

  delete (key: string, revision?: number): Promise<boolean> {
    return this.#call(key, store => {
      const present = store.get(key)
      if (revision !== undefined && present?.revision !== revision) return false
      if (present !== undefined) store.set(key, undefined)
      return true
    })
  }

  get (key: string): Promise<StoreEntry | undefined> {
    return this.#call(key, store => store.get(key))
  }

  age (key: string): Promise<number | undefined> {
    return this.#call(key, store => store.age(key))
  }

  compact (upTo: number): Promise<number> {
    return this.#call('compact', store => store.compact(upTo))
  }

  watch (receive: (entry: StoreEntry) => void, renewed = (): void => {}): Promise<() => void> {
    return this.#call('watch', store => {
      let known = store
      let revision = 0
      const deliver = (entry: StoreEntry): void => {
        revision = entry.revision
        guard(() => { receive(entry) })
      }
      const follow = (): () => void => known.watch(entry => {
        if (this.#bus.isConnected) deliver(entry)
      })
      for (const entry of store.changedSince(0)) if (entry.value !== undefined) deliver(entry)
      let unfollow = follow()
      const endStatus = this.#bus.onStatus(isConnected => {
        if (!isConnected) return
        unfollow()
        if (known !== this.#current()) {
          known = this.#current()
          revision = 0
          guard(renewed)
        }
        for (const entry of known.changedSince(revision)) deliver(entry)
        unfollow = follow()
      })
      return () => { endStatus(); unfollow() }
    })
  }

  #call<Result> (key: string, action: (store: MemoryStore) => Result): Promise<Result> {
    return this.#bus.call(key, () => action(this.#current()))
  }
}
