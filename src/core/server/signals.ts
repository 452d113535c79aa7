import { GodotError } from '../../error.ts'
import type { Room } from '../room/room.ts'

/** The arguments of each signal of a WebSocketServer by its name. */
export interface Signals {
  /** A client completed its handshake (plain mode). Godot: WebSocketServer.client_connected. */
  client_connected: [id: number, protocol: string]
  /** A client began to close; 0 stands for a frame without a code. Godot: WebSocketServer.client_close_request. */
  client_close_request: [id: number, code: number, reason: string]
  /**
   * A client disconnected; clean when both close frames were exchanged (plain mode).
   * Godot: WebSocketServer.client_disconnected.
   */
  client_disconnected: [id: number, wasCleanClose: boolean]
  /** A packet is available from `getPeer(id)` (plain mode). Godot: WebSocketServer.data_received. */
  data_received: [id: number]
  /** A packet for the server is available (multiplayer mode). Godot: WebSocketMultiplayerPeer.peer_packet. */
  peer_packet: [source: number]
  /** A client completed its handshake (multiplayer mode). Godot: NetworkedMultiplayerPeer.peer_connected. */
  peer_connected: [id: number]
  /** A client disconnected (multiplayer mode). Godot: NetworkedMultiplayerPeer.peer_disconnected. */
  peer_disconnected: [id: number]
  /**
   * A client is connected and must authenticate before it joins (option `authenticate`).
   * Godot 4: SceneMultiplayer.peer_authenticating.
   */
  peer_authenticating: [id: number]
  /**
   * A client failed to authenticate, or disconnected before it did; it is never signalled as connected.
   * Godot 4: SceneMultiplayer.peer_authentication_failed.
   */
  peer_authentication_failed: [id: number]
  /**
   * A packet (plain mode). While this signal has listeners, packets are passed to them instead of being queued and
   * signalled with `data_received`. The listener may keep the bytes.
   */
  packet: [id: number, bytes: Uint8Array, isText: boolean]
  /**
   * A room was opened (option `rooms`); nobody is in it yet. In a cluster on the room's home only, and with `failover`
   * also when this node becomes the home of a room whose previous home was lost: its peers are already in it.
   */
  room_opened: [room: Room, how: { readonly failover: boolean }]
  /** A room was closed: its last peer has ended. */
  room_closed: [room: Room]
}

/** The name of a signal. */
export type SignalName = keyof Signals

/** The names of a table of signals, of which none may be missing. */
export function namesOf<Table> (names: Record<keyof Table, true>): ReadonlySet<keyof Table> {
  return new Set(Object.keys(names) as Array<keyof Table>)
}

/** The names of all signals of a server. */
export const signalNames = namesOf<Signals>({
  client_connected: true,
  client_close_request: true,
  client_disconnected: true,
  data_received: true,
  peer_packet: true,
  peer_connected: true,
  peer_disconnected: true,
  peer_authenticating: true,
  peer_authentication_failed: true,
  packet: true,
  room_opened: true,
  room_closed: true
})

type Listener<Arguments extends unknown[]> = (...args: Arguments) => unknown

/**
 * Emits signals to listeners; an unknown name does not compile, and throws. What a listener throws or rejects with
 * never reaches the emitter.
 */
export class SignalEmitter<Table extends { [Name in keyof Table]: unknown[] }> {
  readonly #listeners = new Map<keyof Table, Array<Listener<any>>>()
  readonly #names: ReadonlySet<keyof Table>
  readonly #onError: (error: unknown, name: keyof Table) => void

  /** `names` are those of the table; `onError` receives errors that listeners throw. */
  constructor (names: ReadonlySet<keyof Table>, onError: (error: unknown, name: keyof Table) => void) {
    this.#names = names
    this.#onError = onError
  }

  /** Calls `listener` at each `name` from now on; ERR_INVALID_PARAMETER for a name that is not in the table. */
  on<Name extends keyof Table> (name: Name, listener: Listener<Table[Name]>): this {
    if (!this.#names.has(name)) {
      const names = [...this.#names].join(', ')
      throw new GodotError('ERR_INVALID_PARAMETER', `unknown signal ${String(name)}: expected ${names}`)
    }
    // A new array each time, so that an emit in progress continues with the same listeners.
    this.#listeners.set(name, [...this.#listeners.get(name) ?? [], listener])
    return this
  }

  /** Calls `listener` at the next `name` only. */
  once<Name extends keyof Table> (name: Name, listener: Listener<Table[Name]>): this {
    const once: Listener<Table[Name]> & { listener?: Listener<Table[Name]> } = (...args) => {
      this.off(name, once)
      return listener(...args)
    }
    once.listener = listener
    return this.on(name, once)
  }

  /** Removes `listener`. */
  off<Name extends keyof Table> (name: Name, listener: Listener<Table[Name]>): this {
    const left = (this.#listeners.get(name) ?? []).filter(one =>
      one !== listener && (one as { listener?: unknown }).listener !== listener)
    if (left.length > 0) this.#listeners.set(name, left)
    else this.#listeners.delete(name)
    return this
  }

  /** How many listeners `name` has. */
  listenerCount (name: keyof Table): number {
    return this.#listeners.get(name)?.length ?? 0
  }

  /** Calls the listeners of `name` in order. */
  emit<Name extends keyof Table> (name: Name, ...args: Table[Name]): boolean {
    const listeners = this.#listeners.get(name)
    if (listeners === undefined) return false
    for (let i = 0; i < listeners.length; i++) {
      try {
        const result = listeners[i](...args)
        if (result instanceof Promise) result.catch((error: unknown) => { this.#onError(error, name) })
      } catch (error) {
        this.#onError(error, name)
      }
    }
    return true
  }
}
