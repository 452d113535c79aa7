import type { SignalSource } from '../../../src/core/server/signal-source.ts'

export type { SignalSource }

const ANY = 7

interface Hidden { a: number }

/** Signals of the sample. */
export interface SampleSignals {
  /** A packet was sent. */
  sent: [id: number]
}

/** A base class that is exported. */
export class SampleBase {}

/**
 * First line,
 * continued.
 *
 * Second paragraph.
 */
export class Sample extends SampleBase {
  #hidden = { a: 7 }

  /** @internal Not for applications. */
  constructor (hidden: Hidden) {
    super()
    this.#hidden = hidden
  }

  /** Bytes. Godot: Sample.size. */
  get size (): number {
    return this.#hidden.a
  }

  set size (bytes: number) {
    this.#hidden.a = bytes
  }

  /**
   * Sends; throws ERR_UNAVAILABLE.
   * Godot 4: SampleMultiplayer.send.
   */
  send (to?: number, text?: string): void
  send<T> (...all: T[]): void
  send (): void {}

  /** Has a default. */
  pick (to: number = ANY): Hidden {
    return { a: to }
  }

  readonly bare?: {
    a: number
    b: string
  }

  protected see (hidden: Hidden): Hidden {
    return hidden
  }
}

// Signals come from an interface of the same name.
export interface Sample extends SignalSource<SampleSignals> {}
