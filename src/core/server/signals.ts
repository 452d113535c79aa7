/** What a signal's listeners are given, by signal; names and arguments are Godot's but for `packet`. */
export interface Signals {
  /** A client finished its handshake (plain mode). */
  client_connected: [id: number, protocol: string]
  /** A client asked to close; 1005 stands for a close frame without a code. */
  client_close_request: [id: number, code: number, reason: string]
  /** A client disconnected; clean if both close frames were exchanged (plain mode). */
  client_disconnected: [id: number, wasCleanClose: boolean]
  /** A packet waits to be read (plain mode). */
  data_received: [id: number]
  /** A packet for the server waits to be read (multiplayer mode). */
  peer_packet: [source: number]
  /** A client finished its handshake (multiplayer mode). */
  peer_connected: [id: number]
  /** A client disconnected (multiplayer mode). */
  peer_disconnected: [id: number]
  /** A client is connected, but must authenticate before it joins (option authenticate). */
  peer_authenticating: [id: number]
  /** Authentication failed, or the client disconnected; on success `peer_connected` is emitted. */
  peer_authentication_failed: [id: number]
  /** A packet, instead of `data_received` if there are listeners; they may keep the bytes (plain mode). */
  packet: [id: number, bytes: Uint8Array, isText: boolean]
}

/** The name of a signal. */
export type SignalName = keyof Signals

type Listener<Arguments extends unknown[]> = (...args: Arguments) => unknown

/**
 * Emits signals to listeners; an unknown name does not compile. What a listener throws or rejects with never reaches
 * the emitter.
 */
export class SignalEmitter<Table extends { [Name in keyof Table]: unknown[] }> {
  readonly #listeners = new Map<keyof Table, Array<Listener<any>>>()
  readonly #onError: (error: unknown, name: keyof Table) => void

  /** `onError` receives errors that listeners throw. */
  constructor (onError: (error: unknown, name: keyof Table) => void) {
    this.#onError = onError
  }

  /** Calls `listener` at each `name` from now on. */
  on<Name extends keyof Table> (name: Name, listener: Listener<Table[Name]>): this {
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

  /** Takes `listener` away again. */
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
