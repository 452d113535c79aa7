import type { Settings } from '../server/settings.ts'
import { checkRoomOptions } from './room-options.ts'
import type { RoomOptions } from '../../options/option-types.ts'

/** The settings of one room: its own options, else those of option `rooms`. */
export class RoomSettings {
  readonly #server: Settings
  readonly #changed: () => void
  #options: RoomOptions

  /** `changed` is called when its own options have changed. */
  constructor (server: Settings, options: RoomOptions, changed: () => void = () => {}) {
    this.#server = server
    this.#options = options
    this.#changed = changed
  }

  /** What was set for the room itself. */
  get options (): RoomOptions {
    return this.#options
  }

  get maxPeers (): number {
    return this.#options.maxPeers ?? this.#server.rooms?.maxPeersPerRoom ?? 0
  }

  get locked (): boolean {
    return this.#options.locked ?? false
  }

  get listed (): boolean {
    return this.#options.listed ?? true
  }

  get emptyTimeout (): number {
    return this.#options.emptyTimeout ?? this.#server.rooms?.emptyTimeout ?? 0
  }

  get data (): Readonly<Record<string, unknown>> {
    return this.#options.data ?? {}
  }

  /** Changes options; throws ERR_INVALID_PARAMETER and changes nothing when one is invalid. */
  change (options: RoomOptions): void {
    this.apply({ ...this.#options, ...checkRoomOptions(options) })
  }

  /** Adopts the options of the room's home on another node. */
  apply (options: RoomOptions): void {
    this.#options = options
    this.#changed()
  }
}
