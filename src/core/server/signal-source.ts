import type { SignalEmitter } from './signals.ts'

type Signals<Table> = { [Name in keyof Table]: unknown[] }

/** Something that emits signals; `Table` has the arguments of each signal by its name. */
export interface SignalSource<Table extends Signals<Table>> {
  /**
   * Calls `listener` with the arguments of each `signal` from now on. What it throws or rejects with is logged.
   * Godot: Object.connect.
   */
  on<Name extends keyof Table> (signal: Name, listener: (...args: Table[Name]) => unknown): this
  /** Calls `listener` at the next `signal` only. */
  once<Name extends keyof Table> (signal: Name, listener: (...args: Table[Name]) => unknown): this
  /** Removes a listener. Godot: Object.disconnect. */
  off<Name extends keyof Table> (signal: Name, listener: (...args: Table[Name]) => unknown): this
}

/**
 * Gives a class the methods of `SignalSource`, forwarded to the emitter that each instance has. Call it in a static
 * block, where private members are accessible; the types come from an interface of the same name that extends
 * `SignalSource`.
 */
export function addSignalMethods<Instance extends object, Table extends Signals<Table>> (
  prototype: Instance,
  emitterOf: (instance: Instance) => SignalEmitter<Table>
): void {
  for (const method of ['on', 'once', 'off'] as const) {
    Object.defineProperty(prototype, method, {
      value (this: Instance, name: keyof Table, listener: (...args: any[]) => unknown) {
        emitterOf(this)[method](name, listener)
        return this
      },
      writable: true,
      configurable: true
    })
  }
}
