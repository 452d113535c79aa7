import { randomBytes } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Ban } from '../core/admission/bans.ts'
import type { SharedConfigHost } from '../core/server/cluster-link.ts'
import { within } from '../core/within.ts'
import type { Logger } from '../logger.ts'
import type { RuntimeOptions } from '../options/runtime-options.ts'
import { BusError, type KeyStore, type StoreEntry } from './bus/bus.ts'
import { StoreFill } from './store-fill.ts'

/** Random bytes that the cluster has in common; a store without them is new. */
const SECRET = 'secret'
const BAN = 'ban.'
const OPTION = 'option.'
/** Begins the name of a rule of option `rooms`. */
const RULE = 'rooms.'
const SECRET_BYTES = 32
/** Maximum wait of an administrator for a change to be stored, in milliseconds. */
const WRITTEN_WITHIN = 2000

/** A value of the store as JSON, undefined after this node has deleted it, and its revision there; 0: not known. */
interface Known {
  readonly text: string | undefined
  readonly revision: number
  /** When a ban expires. */
  readonly until?: number | undefined
}

/** What a node has to remember while it is stopped, by key of the store. */
export interface SavedConfig {
  /** Options as the cluster has them, also where this node has values of its own. */
  readonly shared: Readonly<Record<string, unknown>>
  /** Bans and options that were changed here and are not in the store yet; null: lifted, or the default. */
  readonly unshared: Readonly<Record<string, unknown>>
}

/**
 * Bans and run-time options of the cluster, in a store that all nodes watch. A change here is in effect at once and is
 * written as soon as the broker is reachable; of two changes of the same ban or option the one written last stands.
 */
export class SharedConfig {
  readonly #host: SharedConfigHost
  readonly #log: Logger
  readonly #known = new Map<string, Known>()
  /** Changes that are not written yet, by key; undefined: deleted. */
  readonly #pending = new Map<string, string | undefined>()
  /** What other nodes have written to pending keys, which counts only if it turns out to be later. */
  readonly #overtaken = new Map<string, StoreEntry>()
  #store: KeyStore | undefined
  #unwatch: (() => void) | undefined
  /** Another object after every open and close. */
  #opening = {}
  /** Keys that are in the store, as far as known; another set for another store. */
  #found = new Set<string>()
  readonly #fill: StoreFill
  /** Whether the store may have been replaced: once it is filled, bans that it lacks are lifted here too. */
  #isRenewed = false
  #writing: Promise<boolean> | undefined
  #settling: Promise<void> | undefined
  /** Of expired bans. */
  #deleting: Promise<void> | undefined
  /** Whether the failure to write is logged. */
  #hasFailed = false
  #secret: Uint8Array | undefined
  /** Called when changes were written, after which `saved` is another. */
  readonly onWritten = new Set<() => void>()

  constructor (host: SharedConfigHost, log: Logger) {
    this.#host = host
    this.#log = log
    this.#fill = new StoreFill({
      isOpen: store => store === this.#store,
      begin: async store => await this.#createSecret(store),
      write: async store => { await this.#writeKnown(store) }
    })
  }

  /** The same on all nodes, and after their restart; undefined before the first node has joined. */
  get secret (): Uint8Array | undefined {
    return this.#secret
  }

  /**
   * This node has joined: adopts the values of the others, and publishes what was changed here in the meantime. Rejects
   * if it is closed in the meantime.
   */
  async open (store: KeyStore): Promise<void> {
    const opening = this.#opening = {}
    const isOpen = (): boolean => this.#opening === opening
    this.#store = store
    const unwatch = await store.watch(
      entry => { if (isOpen()) this.#changed(entry) }, () => { if (isOpen()) this.#renewed() })
    if (isOpen()) this.#unwatch = unwatch
    else unwatch()
    const hasFilled = isOpen() && await this.#fill.run(store)
    if (!isOpen()) throw new BusError('disconnected', 'config')
    if (!hasFilled) await this.#forgetLifted(store)
    if (!isOpen()) throw new BusError('disconnected', 'config')
    await this.written()
  }

  close (): void {
    this.#opening = {}
    this.#unwatch?.()
    this.#unwatch = this.#store = undefined
    this.#renewed()
  }

  /** The connection was restored: the broker may have lost the store. */
  reconnected (): void {
    this.#fill.reconnected()
    this.settle()
  }

  /** Writes what is not written yet; called again until that has succeeded. */
  settle (): void {
    this.#settling ??= this.#settle().finally(() => { this.#settling = undefined })
  }

  async #settle (): Promise<void> {
    const store = this.#store
    if (store === undefined) return
    try {
      if (!this.#fill.isDone) await this.#fill.run(store)
      else if (this.#isRenewed) await this.#forgetLifted(store)
      if (this.#pending.size > 0) await this.#write()
    } catch (err) {
      this.#failed(err)
    }
  }

  // ---- restarts ----

  /** What `restore` needs after a restart, in addition to the bans and options in effect. */
  get saved (): SavedConfig {
    const shared = [...this.#known].flatMap(([key, { text }]) =>
      text !== undefined && key.startsWith(OPTION) ? [[key, JSON.parse(text) as unknown]] : [])
    const unshared = [...this.#pending].map(([key, text]) =>
      [key, text === undefined ? null : JSON.parse(text) as unknown])
    return { shared: Object.fromEntries(shared), unshared: Object.fromEntries(unshared) }
  }

  /**
   * Bans and options of an earlier process are in effect. What it had not shared yet will be; a local value of an
   * option stays until the cluster has another one than before. `saved` is undefined if it was not in a cluster: then
   * no ban of it was shared.
   */
  restore (saved: SavedConfig | undefined): void {
    if (saved === undefined) return this.banned(this.#host.bans())
    for (const [key, value] of Object.entries(saved.shared)) {
      this.#known.set(key, { text: JSON.stringify(value), revision: 0 })
    }
    for (const [key, value] of Object.entries(saved.unshared)) {
      const isBan = key.startsWith(BAN)
      if (isBan && value !== null && isOver(value as Ban)) continue
      this.#pending.set(key, isBan && value === null ? undefined : JSON.stringify(value))
    }
  }

  // ---- a new store ----

  async #createSecret (store: KeyStore): Promise<boolean> {
    this.#secret ??= randomBytes(SECRET_BYTES)
    const text = JSON.stringify(Buffer.from(this.#secret).toString('base64'))
    return await store.create(SECRET, encode(text)) !== undefined
  }

  async #writeKnown (store: KeyStore): Promise<void> {
    for (const ban of this.#host.bans()) this.#know(banKey(ban.address), JSON.stringify(ban), 0)
    for (const [key, { text }] of [...this.#known]) {
      if (key === SECRET || text === undefined) continue
      const revision = await store.create(key, encode(text))
      this.#found.add(key)
      if (revision !== undefined) this.#know(key, text, revision)
    }
  }

  // ---- changes here ----

  banned (bans: readonly Ban[]): void {
    for (const ban of bans) this.#set(banKey(ban.address), JSON.stringify(ban))
    // If the broker does not respond, the next ban tries again.
    this.#deleting ??= this.#deleteExpired().catch(() => {}).finally(() => { this.#deleting = undefined })
  }

  /** Deletes expired bans from the store, but none that another node has imposed again. */
  async #deleteExpired (): Promise<void> {
    for (const [key, { until, revision }] of this.#known) {
      if (!isOver({ until })) continue
      if (this.#store === undefined || !this.#fill.isDone) return
      if (this.#known.get(key)?.revision === revision && revision > 0) await this.#store.delete(key, revision)
    }
  }

  unbanned ({ address }: Ban): void {
    this.#set(banKey(address), undefined)
  }

  optionsChanged (options: RuntimeOptions): void {
    for (const [name, value] of byName(options)) this.#set(OPTION + name, JSON.stringify(value ?? null))
  }

  /** Whether all changes are in the store, within two seconds. */
  async written (): Promise<boolean> {
    return await within(WRITTEN_WITHIN, this.#write()) ?? false
  }

  #set (key: string, text: string | undefined): void {
    // An option may have another value on another node (`scope=local`).
    if (key.startsWith(BAN) && this.#known.get(key)?.text === text && !this.#pending.has(key)) return
    this.#pending.set(key, text)
    this.#write()
  }

  async #write (): Promise<boolean> {
    this.#writing ??= this.#writeAll()
    return await this.#writing
  }

  async #writeAll (): Promise<boolean> {
    // The next turn, so that all changes of a call are written together.
    await nextTurn()
    let hasWritten = false
    try {
      // Until there are none: a key may change again while it is written.
      for (let [change] = this.#pending; change !== undefined; [change] = this.#pending) {
        if (this.#store === undefined || !this.#fill.isDone) return false
        await this.#writeOne(this.#store, ...change)
        hasWritten = true
      }
      this.#hasFailed = false
      return true
    } catch (err) {
      this.#failed(err)
      return false
    } finally {
      this.#writing = undefined
      if (hasWritten) for (const listener of this.onWritten) listener()
    }
  }

  #failed (err: unknown): void {
    if (!this.#hasFailed) this.#log.warn({ err }, 'bans or options not shared with the cluster yet')
    this.#hasFailed = true
  }

  async #writeOne (store: KeyStore, key: string, text: string | undefined): Promise<void> {
    if (text === undefined) {
      await store.delete(key)
      // Until the broker reports the deletion: it may report the value only now.
      this.#known.set(key, { text, revision: this.#known.get(key)?.revision ?? 0 })
    } else {
      this.#know(key, text, await store.put(key, encode(text)))
      this.#found.add(key)
    }
    if (this.#pending.get(key) === text) this.#pending.delete(key)
    this.#recheck(key)
  }

  #know (key: string, text: string, revision: number): void {
    const until = key.startsWith(BAN) ? (JSON.parse(text) as Ban).until : undefined
    this.#known.set(key, { text, revision, until })
  }

  /** Applies what another node has written since this one wrote. */
  #recheck (key: string): void {
    const entry = this.#overtaken.get(key)
    this.#overtaken.delete(key)
    if (entry !== undefined && entry.revision > (this.#known.get(key)?.revision ?? 0)) this.#changed(entry)
  }

  // ---- changes of other nodes ----

  #changed ({ key, value, revision }: StoreEntry): void {
    if (value === undefined) this.#found.delete(key)
    else this.#found.add(key)
    if (this.#fill.found(key)) return
    const known = this.#known.get(key)
    if (known !== undefined && known.revision >= revision) return
    if (this.#pending.has(key)) {
      this.#overtaken.set(key, { key, value, revision })
      return
    }
    const text = value === undefined ? undefined : Buffer.from(value).toString()
    if (text === undefined) this.#known.delete(key)
    else this.#know(key, text, revision)
    // A value that was known before this node was away is not a change; an option may be set again to the same value.
    if (text === known?.text && (key.startsWith(BAN) || known?.revision === 0)) return
    try {
      this.#apply(key, text)
    } catch (err) {
      this.#log.error({ err, key }, 'change of another node not applied')
    }
  }

  /** What is known of a lost store does not apply to the new one. */
  #renewed (): void {
    this.#fill.renewed()
    this.#isRenewed = true
    this.#found = new Set()
    for (const [key, known] of this.#known) {
      if (known.text === undefined) this.#known.delete(key)
      else this.#known.set(key, { ...known, revision: 0 })
    }
    this.#overtaken.clear()
  }

  #apply (key: string, text: string | undefined): void {
    const value: unknown = text === undefined ? undefined : JSON.parse(text)
    if (key === SECRET) this.#secret = value === undefined ? this.#secret : Buffer.from(value as string, 'base64')
    else if (key.startsWith(BAN)) this.#applyBan(key, value as Ban | undefined)
    else if (value !== undefined) this.#host.change(optionOf(key.slice(OPTION.length), value ?? undefined))
  }

  #applyBan (key: string, ban: Ban | undefined): void {
    if (ban !== undefined) this.#host.ban(ban)
    else this.#host.unban(addressOf(key))
  }

  /**
   * Lifts bans that others lifted while this node was not in the cluster, or before the broker lost the store. The
   * store is asked, as the watch may be late.
   */
  async #forgetLifted (store: KeyStore): Promise<void> {
    const found = this.#found
    for (const { address } of this.#host.bans()) {
      const key = banKey(address)
      if (found.has(key) || this.#pending.has(key) || await store.get(key) !== undefined) continue
      // What this store has answered does not apply to the next one.
      if (this.#found !== found) return
      // Banned again in the meantime.
      if (found.has(key) || this.#pending.has(key)) continue
      this.#known.delete(key)
      this.#host.unban(address)
    }
    if (this.#found === found) this.#isRenewed = false
  }
}

/** Options by name; each rule of `rooms` has a name, so that nodes can change different rules at the same time. */
function byName ({ rooms, ...others }: RuntimeOptions): Array<[string, unknown]> {
  const rules = typeof rooms === 'object' ? Object.entries(rooms) : []
  return [...Object.entries(others), ...rules.map(([rule, value]): [string, unknown] => [RULE + rule, value])]
}

function optionOf (name: string, value: unknown): RuntimeOptions {
  return name.startsWith(RULE) ? { rooms: { [name.slice(RULE.length)]: value } } : { [name]: value }
}

/** Keys have no colons. */
function banKey (range: string): string {
  return BAN + range.replaceAll(':', '=')
}

function addressOf (key: string): string {
  return key.slice(BAN.length).replaceAll('=', ':')
}

function isOver ({ until }: Pick<Ban, 'until'>): boolean {
  return until !== undefined && until <= Date.now()
}

function encode (text: string): Uint8Array {
  return Buffer.from(text)
}
