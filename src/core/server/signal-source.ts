import type { SignalEmitter } from './signals.ts'

type Signals<Table> = { [Name in keyof Table]: unknown[] }
type Listener<Arguments extends unknown[]> = (...args: Arguments) => unknown

/** The public methods of a class that has signals. */
export interface SignalSource<Table extends Signals<Table>> {
  /** Calls `listener` at each `signal` from now on. Godot: Object.connect. */
  on<Name extends keyof Table> (signal: Name, listener: Listener<Table[Name]>): this
  /** Calls `listener` at the next `signal` only. */
  once<Name extends keyof Table> (signal: Name, listener: Listener<Table[Name]>): this
  /** Removes a listener. Godot: Object.disconnect. */
  off<Name extends keyof Table> (signal: Name, listener: Listener<Table[Name]>): this
}

/**
 * Gives a class the methods of `SignalSource`, forwarded to the emitter that each instance has. To be called in a
 * static block, where private members are at hand; the types come from an interface of the same name that extends
 * `SignalSource`.
 */
export function addSignalMethods<Instance extends object, Table extends Signals<Table>> (
  prototype: Instance,
  emitterOf: (instance: Instance) => SignalEmitter<Table>
): void {
  for (const method of ['on', 'once', 'off'] as const) {
    Object.defineProperty(prototype, method, {
      value (this: Instance, name: keyof Table, listener: Listener<any>) {
        emitterOf(this)[method](name, listener)
        return this
      },
      writable: true,
      configurable: true
    })
  }
}
