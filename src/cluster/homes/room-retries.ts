import { GodotError } from '../../error.ts'
import type { NodeContext } from '../node-context.ts'

/** What the peers of a room are closed with. */
export interface CloseFrame { readonly code: number, readonly reason: string }

/** A room that was closed, and when it was opened: another one of its name may be open by now. */
export interface ClosedRoom extends CloseFrame { readonly openedAt: number | undefined }

/**
 * The operations that are retried. They reject with BusError if the broker does not respond, and with
 * cluster-unavailable if a node does not.
 */
export interface RoomRetriesHost {
  /** Writes the rooms of this node to a store that may have lost them. */
  restore (): Promise<void>
  /** Writes the present state of a room. */
  write (room: string): Promise<void>
  /** A write was rejected: it is not tried again. */
  gaveUp (room: string): void
  /** Asks a node to close a room, if that is still needed. */
  close (slot: number, room: string, closed: ClosedRoom): Promise<void>
}

/** Retries writes about rooms to the store, and requests to other nodes to close them, until they succeed. */
export class RoomRetries {
  readonly #context: NodeContext
  readonly #host: RoomRetriesHost
  /** Rooms whose entry in the store may be out of date, and how often a change of it has failed. */
  readonly #unwritten = new Map<string, number>()
  /** Rooms that were closed on this node, and the slots of nodes that have not closed them yet. */
  readonly #unclosed = new Map<string, { readonly closed: ClosedRoom, readonly slots: Set<number> }>()
  #mustRestore = false
  #trying: Promise<void> | undefined

  constructor (context: NodeContext, host: RoomRetriesHost) {
    this.#context = context
    this.#host = host
  }

  /** The connection was restored: the broker may have lost the rooms of this node. */
  reconnected (): void {
    this.#mustRestore = true
    this.retry()
  }

  /** Writes the present state of a room later if this write fails. */
  retryIfFailed (room: string, write: Promise<unknown>): void {
    write.catch((err: unknown) => { this.notWritten(room, err) })
  }

  /** A write about a room has failed. */
  notWritten (room: string, err: unknown): void {
    const failures = this.#unwritten.get(room) ?? 0
    if (failures === 0) this.#warn('room not written to the cluster yet', { err, room })
    this.#unwritten.set(room, failures + 1)
  }

  /** A node could not be asked to close a room. */
  notClosed (room: string, err: unknown, slot: number, closed: ClosedRoom): void {
    this.#warn('room not closed on another node yet', { err, room, slot })
    const slots = this.#unclosed.get(room)?.slots ?? new Set()
    this.#unclosed.set(room, { closed, slots: slots.add(slot) })
  }

  /** Tries again, unless the broker is unreachable; called with every heartbeat. */
  retry (): void {
    if (!this.#mustRestore && this.#unwritten.size === 0 && this.#unclosed.size === 0) return
    if (!this.#context.bus.isConnected) return
    this.#trying ??= this.#try()
      .catch((err: unknown) => { this.#context.log.debug({ err }, 'rooms not written to the cluster yet') })
      .finally(() => { this.#trying = undefined })
  }

  /** This node has rejoined the cluster and announces all its rooms again. */
  clear (): void {
    this.#unwritten.clear()
    this.#unclosed.clear()
  }

  /** While the broker does not respond it concerns every room that clients open. */
  #warn (message: string, details: object): void {
    this.#context.failures.log({ level: 'warn', key: {}, message }, details)
  }

  /** Rejects with BusError, as then everything else would fail, too. */
  async #try (): Promise<void> {
    // Before entries are removed: a node that still has peers in such a room would open it again.
    for (const [room, { closed, slots }] of this.#unclosed) {
      for (const slot of slots) {
        const rejected = (err: GodotError): void => {
          this.#context.log.error({ err, room, slot }, 'room not closed on another node')
        }
        if (await isSettled(this.#host.close(slot, room, closed), rejected)) slots.delete(slot)
      }
      if (slots.size === 0) this.#unclosed.delete(room)
    }
    if (this.#mustRestore) await this.#host.restore()
    this.#mustRestore = false
    for (const [room, failures] of this.#unwritten) {
      const rejected = (err: GodotError): void => {
        this.#context.log.error({ err, room }, 'room not written to the cluster')
        this.#host.gaveUp(room)
      }
      if (!await isSettled(this.#host.write(room), rejected)) continue
      if (this.#unwritten.get(room) === failures) this.#unwritten.delete(room)
    }
  }
}

/** Whether an attempt has succeeded, or never will: then `rejected` is called. Rejects with BusError. */
async function isSettled (attempt: Promise<void>, rejected: (err: GodotError) => void): Promise<boolean> {
  try {
    await attempt
    return true
  } catch (err) {
    if (!(err instanceof GodotError)) throw err
    if (err.code === 'cluster-unavailable') return false
    rejected(err)
    return true
  }
}
