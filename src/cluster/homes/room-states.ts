import type { KeyStore } from '../bus/bus.ts'
import { keyOf } from '../subjects.ts'

/** `room.state` of all rooms. What the broker keeps of a room that has ended here is not the state of the next one. */
export class RoomStates {
  readonly #store: () => KeyStore
  /** Rooms that have ended on this node, their home, and whose state is not deleted yet. */
  readonly #ended = new Set<string>()

  /** `store` throws while this node is not in the cluster. */
  constructor (store: () => KeyStore) {
    this.#store = store
  }

  /** Rejects with BusError, as the methods below, if the broker does not respond. */
  async get (room: string): Promise<Uint8Array | undefined> {
    const store = this.#store()
    return this.#ended.has(room) ? undefined : (await store.get(keyOf(room)))?.value
  }

  async put (room: string, bytes: Uint8Array): Promise<void> {
    await this.#store().put(keyOf(room), bytes)
  }

  async delete (room: string): Promise<void> {
    this.#ended.add(room)
    await this.#store().delete(keyOf(room))
    this.#ended.delete(room)
  }

  /** A room has ended here: its state is about to be deleted. */
  ended (room: string): void {
    this.#ended.add(room)
  }

  /** Whether a room has ended here and the broker may still have its state. */
  isEnded (room: string): boolean {
    return this.#ended.has(room)
  }

  /** Deletes the state of an ended room, if the broker may still have it. */
  async deleteEnded (room: string): Promise<void> {
    if (this.#ended.has(room)) await this.delete(room)
  }

  /** Another node is the home of the room, or has ended it: the state is that node's to delete. */
  leaveToOthers (room: string): void {
    this.#ended.delete(room)
  }

  /** The rooms whose state is not deleted yet. */
  get allEnded (): readonly string[] {
    return [...this.#ended]
  }
}
