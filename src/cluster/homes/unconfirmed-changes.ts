import type { RoomOptions } from '../../options/option-types.ts'

/**
 * Settings that were changed on this node in rooms that have their home on another one, until the home has confirmed
 * them: it may be lost before it receives them, and then the next home does not have them.
 */
export class UnconfirmedChanges {
  readonly #byRoom = new Map<string, RoomOptions>()

  /** The latest values of those that are not confirmed. */
  of (room: string): RoomOptions {
    return this.#byRoom.get(room) ?? {}
  }

  add (room: string, changes: RoomOptions): void {
    this.#byRoom.set(room, { ...this.of(room), ...changes })
  }

  /** The home has these values; settings that have changed again in the meantime are not confirmed. */
  confirm (room: string, changes: RoomOptions): void {
    const confirmed = new Map<string, unknown>(Object.entries(changes))
    const others = Object.entries(this.of(room)).filter(([name, value]) => confirmed.get(name) !== value)
    if (others.length === 0) this.#byRoom.delete(room)
    else this.#byRoom.set(room, Object.fromEntries(others))
  }

  /** The home is this node, or the room has ended. */
  forget (room: string): void {
    this.#byRoom.delete(room)
  }

  /** This node has joined again: rooms are as their homes know them. */
  clear (): void {
    this.#byRoom.clear()
  }
}
