import { checkIsNumber } from '../check-is-number.ts'
import type { VisibilityOptions } from './replication.ts'

/** To whom something is visible (Godot 4's MultiplayerSynchronizer). */
export class Visibility {
  readonly #filter: VisibilityOptions['visibility']
  readonly #peers = new Set<number>()
  #isPublic: boolean
  readonly #changed: (peer?: number) => void

  /** `changed` is called when it may be visible to others than before: to one peer, or any. */
  constructor ({ publicVisibility = true, visibility }: VisibilityOptions, changed: (peer?: number) => void) {
    this.#isPublic = publicVisibility
    this.#filter = visibility
    this.#changed = changed
  }

  /** Whether peers are asked for at every sync. */
  get hasFilter (): boolean {
    return this.#filter !== undefined
  }

  get isPublic (): boolean {
    return this.#isPublic
  }

  set isPublic (isPublic: boolean) {
    if (isPublic === this.#isPublic) return
    this.#isPublic = isPublic
    this.#changed()
  }

  /** ERR_INVALID_PARAMETER for anything but a number. */
  set (peer: number, isVisible: boolean): void {
    checkIsNumber('peer id', peer)
    if (isVisible === this.#peers.has(peer)) return
    if (isVisible) this.#peers.add(peer)
    else this.#peers.delete(peer)
    this.#changed(peer)
  }

  /** What the filter throws is for the caller to handle. */
  includes (peer: number): boolean {
    return (this.#isPublic || this.#peers.has(peer)) && Boolean(this.#filter?.(peer) ?? true)
  }

  /** The peer has left. */
  forget (peer: number): void {
    this.#peers.delete(peer)
  }
}
