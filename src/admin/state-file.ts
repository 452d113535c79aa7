import {
  closeSync, existsSync, fsyncSync, openSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync
} from 'node:fs'
import { dirname, resolve } from 'node:path'
import { GodotError } from '../error.ts'
import type { Logger } from '../logger.ts'
import type { ServerOptions } from '../options/option-types.ts'
import { firstFault } from '../options/check-options.ts'
import { runtimeOptionNames, type RuntimeOptions } from '../options/runtime-options.ts'
import type { SharedConfig } from '../cluster/shared-config.ts'
import { internalsOf } from '../core/server/internals.ts'
import type { NamedServer, WebSocketServer } from '../core/server/websocket-server.ts'
import { Schema, type Static, Type } from '../typebox.ts'
import { describeBan } from './describe-ban.ts'

const VERSION = 1
/** Milliseconds from one write to the next: each one writes the whole file, and nothing else runs meanwhile. */
const WRITE_INTERVAL = 1000

type Values = Record<string, unknown>

/**
 * What is kept of a server: its bans, and the options that were changed at run time (null: not set); of a node also
 * what it knows of the bans and options of its cluster (`SavedConfig`).
 */
const StoredServer = Type.Object({
  settings: Type.Record(Type.String(), Type.Unknown()),
  bans: Type.Array(Type.Object({
    address: Type.String(),
    reason: Type.String(),
    since: Type.String(),
    until: Type.Union([Type.String(), Type.Null()])
  })),
  cluster: Type.Optional(Type.Object({
    shared: Type.Record(Type.String(), Type.Unknown()),
    unshared: Type.Record(Type.String(), Type.Unknown())
  }))
})

const StoredServers = Type.Record(Type.String(), StoredServer)

interface Stored { readonly version: number, readonly servers: Readonly<Static<typeof StoredServers>> }

/**
 * Bans and run-time settings of servers in a JSON file, so that they survive a restart. The file is replaced as a
 * whole: readers see the old or the new state, also after a crash.
 */
export class StateFile {
  readonly #path: string
  readonly #servers: readonly NamedServer[]
  readonly #log: Logger
  /** The options of each server that were changed; `rooms` has only the rules that were. */
  readonly #changed = new Map<string, Values>()
  /** The content of the file, including servers that do not exist now. */
  readonly #stored: Stored['servers']
  #isWritten = true
  /** When it was written last, on the clock of `performance.now()`. */
  #writtenAt = -Infinity
  #timer: NodeJS.Timeout | undefined

  /** Applies the file, if it exists; throws ERR_INVALID_DATA for one that cannot be used or written. */
  constructor (path: string, servers: readonly NamedServer[], log: Logger) {
    this.#path = followLinks(path)
    this.#servers = servers
    this.#log = log
    this.#stored = this.#read()
    this.#checkWritable()
    for (const { name, server } of servers) {
      const stored: Static<typeof StoredServer> | undefined = this.#stored[name]
      this.#restore(name, server, stored)
      this.#changed.set(name, { ...stored?.settings })
      this.#watch(name, server)
    }
  }

  /** Writes what has not been written yet. */
  flush (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#isWritten) return
    try {
      replaceFile(this.#path, `${JSON.stringify(this.#state(), null, 2)}\n`)
      this.#isWritten = true
    } catch (err) {
      this.#log.error({ err, file: this.#path }, 'state not saved; the next change tries again')
    }
    this.#writtenAt = performance.now()
  }

  #read (): Stored['servers'] {
    let text: string
    try {
      text = readFileSync(this.#path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
      throw new GodotError('ERR_INVALID_DATA', `${this.#path}: cannot be read: ${(error as Error).message}`)
    }
    try {
      return checkStored(JSON.parse(text))
    } catch (error) {
      throw this.#unusable((error as Error).message)
    }
  }

  #restore (name: string, server: WebSocketServer, stored: Static<typeof StoredServer> | undefined): void {
    if (stored === undefined) return
    const settings = this.#applicable(name, server, stored.settings)
    try {
      server.change(settings)
      const { bans } = internalsOf(server).admission
      for (const { address, reason, since, until } of stored.bans) {
        bans.restore({ address, reason, since: timeOf(since), until: until === null ? undefined : timeOf(until) })
      }
    } catch (error) {
      throw this.#unusable(`${name}: ${(error as Error).message}`)
    }
    configOf(server)?.restore(stored.cluster)
    const details = { file: this.#path, server: name, settings: storable(settings), bans: server.bans().length }
    this.#log.info(details, 'settings and bans restored')
  }

  /** The stored options, without the rules of rooms if the server has no rooms now; the rules stay in the file. */
  #applicable (name: string, server: WebSocketServer, stored: Values): RuntimeOptions {
    const { rooms, ...others } = stored
    const isWithoutRooms = rooms !== undefined && server.options.rooms === false
    if (isWithoutRooms) {
      const details = { file: this.#path, server: name, rooms }
      this.#log.warn(details, 'rules of rooms not restored: they apply when the server has rooms again')
    }
    return withoutNull(isWithoutRooms ? others : stored)
  }

  /**
   * Throws at the start: otherwise nobody would notice before the next one that nothing was saved. A file that exists
   * is replaced by a copy of itself: that shows whether a mounted file, or one in a sticky folder, can be replaced.
   */
  #checkWritable (): void {
    try {
      if (existsSync(this.#path)) replaceFile(this.#path, readFileSync(this.#path))
      else tryCreate(this.#path)
    } catch (error) {
      throw new GodotError('ERR_INVALID_DATA', `${this.#path}: cannot be written: ${(error as Error).message}. ` +
        'Create its folder, and let this process write to it and replace the file; mount a folder, not the file')
    }
  }

  #unusable (why: string): GodotError {
    return new GodotError('ERR_INVALID_DATA', `${this.#path}: ${why}. Repair or delete the file`)
  }

  #watch (name: string, server: WebSocketServer): void {
    const { events } = server.monitor
    events.on('changed', options => {
      const changed = this.#changed.get(name)!
      Object.assign(changed, storable(options), mergedRooms(changed, options))
      this.#schedule()
    })
    events.on('banned', () => { this.#schedule() })
    events.on('unbanned', () => { this.#schedule() })
    configOf(server)?.onWritten.add(() => { this.#schedule() })
  }

  /** Writes a change at once, and all that follow within a second together. */
  #schedule (): void {
    this.#isWritten = false
    const wait = Math.max(0, this.#writtenAt + WRITE_INTERVAL - performance.now())
    this.#timer ??= setTimeout(() => { this.flush() }, wait)
  }

  #state (): Stored {
    const servers = this.#servers.map(({ name, server }) => [name, {
      settings: this.#changed.get(name)!,
      bans: server.bans().map(describeBan),
      cluster: configOf(server)?.saved
    }])
    return { version: VERSION, servers: { ...this.#stored, ...Object.fromEntries(servers) } }
  }
}

/** What the nodes of the server's cluster share. */
function configOf (server: WebSocketServer): SharedConfig | undefined {
  return internalsOf(server).registry.cluster?.config
}

/** Options as JSON: null for one that is not set. */
function storable (options: Partial<ServerOptions>): Values {
  const names: readonly string[] = runtimeOptionNames
  return Object.fromEntries(Object.entries(options).filter(([name]) => names.includes(name))
    .map(([name, value]) => [name, value ?? null]))
}

/** Stored options as `change` takes them: undefined for null. */
function withoutNull (values: Values): Values {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => {
    const isRules = name === 'rooms' && typeof value === 'object' && value !== null
    return [name, isRules ? withoutNull(value as Values) : value ?? undefined]
  }))
}

/**
 * The rules of `rooms` that were changed, now or before (null: to the default): others follow the options of the next
 * start.
 */
function mergedRooms (before: Values, { rooms }: Partial<ServerOptions>): Values {
  if (rooms === undefined) return {}
  const changed = Object.entries(rooms as object).map(([name, rule]) => [name, rule ?? null])
  return { rooms: { ...before.rooms as object | undefined, ...Object.fromEntries(changed) } }
}

function checkStored (stored: Partial<Stored> | null): Stored['servers'] {
  const { version, servers = {} } = stored ?? {}
  if (version !== VERSION) throw new Error(`expected version ${VERSION}, found ${String(version)}`)
  if (Schema.Check(StoredServers, servers)) return servers
  const { instancePath, message } = firstFault(StoredServers, servers)
  throw new Error(`${['servers', ...instancePath.split('/').slice(1)].join('.')} ${message}`)
}

function timeOf (text: string): number {
  const time = Date.parse(text)
  if (Number.isNaN(time)) throw new Error(`invalid time ${text}`)
  return time
}

function temporaryPath (path: string): string {
  return `${path}.${process.pid}.tmp`
}

/** The file that symbolic links lead to: replacing a link would leave that file as it was. */
function followLinks (path: string): string {
  try {
    return followLinks(resolve(dirname(path), readlinkSync(path)))
  } catch {
    return path
  }
}

/** Throws if the temporary file cannot be written. */
function tryCreate (path: string): void {
  const temporary = temporaryPath(path)
  closeSync(openSync(temporary, 'w', 0o600))
  rmSync(temporary)
}

/** Replaces a file atomically: its new content is on the disk before it has its name. */
function replaceFile (path: string, content: string | Uint8Array): void {
  const temporary = temporaryPath(path)
  try {
    const file = openSync(temporary, 'w', 0o600)
    try {
      writeFileSync(file, content)
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
