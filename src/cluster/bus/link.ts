import { BusError } from './bus.ts'

/** Whether a bus is connected, the listeners to that, and the requests that wait for a response of the broker. */
export class Link {
  readonly #listeners = new Set<(isConnected: boolean) => void>()
  /** Fails pending requests. */
  readonly #waiting = new Set<(error: BusError) => void>()
  #state: 'connected' | 'disconnected' | 'closed' = 'connected'

  get isConnected (): boolean {
    return this.#state === 'connected'
  }

  /** Calls back on every change; returns a function that unsubscribes. */
  onStatus (listener: (isConnected: boolean) => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  /** The connection was lost or restored. */
  set (isConnected: boolean): void {
    if (this.#state === 'closed' || isConnected === this.isConnected) return
    this.#state = isConnected ? 'connected' : 'disconnected'
    if (!isConnected) this.#failWaiting()
    for (const listener of [...this.#listeners]) listener(isConnected)
  }

  /** The node has disconnected. */
  close (): void {
    this.#state = 'closed'
    this.#failWaiting()
    this.#listeners.clear()
  }

  /**
   * Waits for a response of the broker and rejects with BusError when the connection is lost. `start` asks for it and
   * returns what to do when the wait is over.
   */
  answer<Result> (
    subject: string, start: (resolve: (result: Result) => void, reject: (error: unknown) => void) => () => void
  ): Promise<Result> {
    if (!this.isConnected) return Promise.reject(new BusError('disconnected', subject))
    return new Promise<Result>((resolve, reject) => {
      const fail = (error: unknown): void => { over(); reject(error) }
      const end = start(result => { over(); resolve(result) }, fail)
      const over = (): void => { this.#waiting.delete(fail); end() }
      this.#waiting.add(fail)
    })
  }

  #failWaiting (): void {
    for (const fail of [...this.#waiting]) fail(new BusError('disconnected', 'the connection was lost'))
  }
}
