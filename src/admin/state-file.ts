import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { GodotError } from '../error.ts'
import type { Logger } from '../logger.ts'
import type { ServerOptions } from '../options/option-types.ts'
import { runtimeOptionNames, type RuntimeOptions } from '../options/runtime-options.ts'
import { internalsOf } from '../core/server/internals.ts'
import type { NamedServer, WebSocketServer } from '../core/server/websocket-server.ts'
import { type BanRecord, describeBan } from './describe-ban.ts'

const VERSION = 1

/** What is kept of a server: its bans, and the options that were changed at run time (null: not set). */
interface StoredServer { readonly settings: Record<string, unknown>, readonly bans: BanRecord[] }

interface Stored { readonly version: number, readonly servers: Readonly<Record<string, StoredServer>> }

/**
 * Bans and run-time settings of servers in a JSON file, so that they survive a restart. The file is replaced as a
 * whole: readers see the old or the new state, also after a crash.
 */
export class StateFile {
  readonly #path: string
  readonly #servers: readonly NamedServer[]
  readonly #log: Logger
  readonly #changed = new Map<string, Record<string, unknown>>()
  #isScheduled = false
  #isWritten = true

  /** Applies the file, if it exists; throws ERR_INVALID_DATA for one that cannot be used. */
  constructor (path: string, servers: readonly NamedServer[], log: Logger) {
    this.#path = path
    this.#servers = servers
    this.#log = log
    const stored = this.#read()
    for (const { name, server } of servers) {
      this.#restore(name, server, stored?.servers[name])
      this.#changed.set(name, { ...stored?.servers[name]?.settings })
      this.#watch(name, server)
    }
  }

  /** Writes what has not been written yet. */
  flush (): void {
    if (this.#isWritten) return
    try {
      replaceFile(this.#path, `${JSON.stringify(this.#state(), null, 2)}\n`)
      this.#isWritten = true
    } catch (err) {
      this.#log.error({ err, file: this.#path }, 'state not saved; the next change tries again')
    }
  }

  #read (): Stored | undefined {
    let text: string
    try {
      text = readFileSync(this.#path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
    try {
      return checkStored(JSON.parse(text))
    } catch (error) {
      throw this.#unusable((error as Error).message)
    }
  }

  #restore (name: string, server: WebSocketServer, stored: StoredServer | undefined): void {
    if (stored === undefined) return
    const settings = Object.fromEntries(Object.entries(stored.settings)
      .map(([option, value]) => [option, value ?? undefined])) as Partial<RuntimeOptions>
    try {
      server.change(settings)
      const { bans } = internalsOf(server).admission
      for (const { address, reason, since, until } of stored.bans) {
        bans.restore({ address, reason, since: timeOf(since), until: until === null ? undefined : timeOf(until) })
      }
    } catch (error) {
      throw this.#unusable(`${name}: ${(error as Error).message}`)
    }
    const details = { file: this.#path, server: name, settings: stored.settings, bans: server.bans().length }
    this.#log.info(details, 'settings and bans restored')
  }

  #unusable (why: string): GodotError {
    return new GodotError('ERR_INVALID_DATA', `${this.#path}: ${why}. Repair or delete the file`)
  }

  #watch (name: string, server: WebSocketServer): void {
    const { events } = server.monitor
    events.on('changed', options => {
      Object.assign(this.#changed.get(name)!, storable(options))
      this.#schedule()
    })
    events.on('banned', () => { this.#schedule() })
    events.on('unbanned', () => { this.#schedule() })
  }

  /** Writes once for all changes of an event loop turn. */
  #schedule (): void {
    this.#isWritten = false
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.flush()
    })
  }

  #state (): Stored {
    const servers = this.#servers.map(({ name, server }) => [name, {
      settings: this.#changed.get(name)!,
      bans: server.bans().map(describeBan)
    }])
    return { version: VERSION, servers: Object.fromEntries(servers) }
  }
}

/** Options as JSON: null for one that is not set. */
function storable (options: Partial<ServerOptions>): Record<string, unknown> {
  const names: readonly string[] = runtimeOptionNames
  return Object.fromEntries(Object.entries(options).filter(([name]) => names.includes(name))
    .map(([name, value]) => [name, value ?? null]))
}

function checkStored (stored: Partial<Stored> | null): Stored {
  const { version, servers } = stored ?? {}
  if (version !== VERSION) throw new Error(`expected version ${VERSION}, found ${String(version)}`)
  for (const [name, { settings, bans }] of Object.entries(servers ?? {})) {
    if (typeof settings !== 'object' || !Array.isArray(bans)) throw new Error(`${name}: expected settings and bans`)
  }
  return { version, servers: servers ?? {} }
}

function timeOf (text: string): number {
  const time = Date.parse(text)
  if (Number.isNaN(time)) throw new Error(`invalid time ${text}`)
  return time
}

/** Replaces a file atomically: its new content is on the disk before it has its name. */
function replaceFile (path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`
  try {
    const file = openSync(temporary, 'w', 0o600)
    try {
      writeFileSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}
