import { GodotError } from '../../error.ts'
import type { RoomOptions } from '../../options/option-types.ts'
import type { NodeContext } from '../node-context.ts'

/** What the peers of a room are closed with. */
export interface CloseFrame { readonly code: number, readonly reason: string }

/**
 * What is tried again. Rejects with BusError while the broker does not answer, with cluster-unavailable while a node
 * does not.
 */
export interface RetryHost {
  /** Writes the rooms of this node to a store that may have lost them. */
  restore (): Promise<void>
  /** Writes what is so now about a room, of whose settings `changes` were changed here. */
  write (room: string, changes: RoomOptions): Promise<void>
  /** Asks a node to close a room, unless that is settled. */
  close (slot: number, room: string, end: CloseFrame): Promise<void>
}

/** What the store and other nodes have not learned of rooms, and tries to tell them until that has succeeded. */
export class RoomRetries {
  readonly #context: NodeContext
  readonly #host: RetryHost
  /** Rooms of which the store may not know what this node does, and the settings that were changed here. */
  readonly #unwritten = new Map<string, RoomOptions>()
  /** Rooms that were closed here, and the nodes that have not closed them yet. */
  readonly #unclosed = new Map<string, { readonly end: CloseFrame, readonly slots: Set<number> }>()
  #mustRestore = false
  #trying: Promise<void> | undefined

  constructor (context: NodeContext, host: RetryHost) {
    this.#context = context
    this.#host = host
  }

  /** The connection was restored: the broker may have lost the rooms of this node. */
  reconnected (): void {
    this.#mustRestore = true
    this.retry()
  }

  /** Something could not be written about a room. */
  notWritten (room: string, err: unknown, changes: RoomOptions = {}): void {
    const before = this.#unwritten.get(room)
    if (before === undefined) this.#context.log.warn({ err, room }, 'room not written to the cluster yet')
    this.#unwritten.set(room, { ...before, ...changes })
  }

  /** A node could not be asked to close a room. */
  notClosed (room: string, err: unknown, slot: number, end: CloseFrame): void {
    this.#context.log.warn({ err, room, slot }, 'room not closed on another node yet')
    const unclosed = this.#unclosed.get(room) ?? { end, slots: new Set() }
    this.#unclosed.set(room, unclosed)
    unclosed.slots.add(slot)
  }

  /** Tries again, unless the broker is unreachable; called with every heartbeat. */
  retry (): void {
    if (!this.#mustRestore && this.#unwritten.size === 0 && this.#unclosed.size === 0) return
    if (!this.#context.bus.isConnected) return
    this.#trying ??= this.#try()
      .catch((err: unknown) => { this.#context.log.debug({ err }, 'rooms not written to the cluster yet') })
      .finally(() => { this.#trying = undefined })
  }

  /** This node has joined the cluster again: all nodes learn its rooms anew. */
  clear (): void {
    this.#unwritten.clear()
    this.#unclosed.clear()
  }

  /** Rejects with BusError, as then everything else would fail, too. */
  async #try (): Promise<void> {
    // First: a node with peers in a room that has no entry would open it again.
    for (const [room, { end, slots }] of this.#unclosed) {
      for (const slot of slots) {
        if (await this.#isSettled(room, this.#host.close(slot, room, end))) slots.delete(slot)
      }
      if (slots.size === 0) this.#unclosed.delete(room)
    }
    if (this.#mustRestore) await this.#host.restore()
    this.#mustRestore = false
    for (const [room, changes] of this.#unwritten) {
      const isSettled = await this.#isSettled(room, this.#host.write(room, changes))
      if (isSettled && this.#unwritten.get(room) === changes) this.#unwritten.delete(room)
    }
  }

  /** Whether an attempt has succeeded, or never will. */
  async #isSettled (room: string, attempt: Promise<void>): Promise<boolean> {
    try {
      await attempt
      return true
    } catch (err) {
      if (!(err instanceof GodotError)) throw err
      if (err.code === 'cluster-unavailable') return false
      this.#context.log.error({ err, room }, 'room not written to the cluster')
      return true
    }
  }
}
