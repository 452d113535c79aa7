import { Deadlines } from './deadlines.ts'
import type { Deadlined } from './deadlines.ts'

const SECONDS = 1
const MAX_CLOSING = 1024

/** Connections that have been sent their last response: each has a second to read it, a bounded number at a time. */
export class ClosingConnections {
  readonly #deadlines = new Deadlines(() => SECONDS)
  #isClosed = false

  /** `connection.expire` is called after a second, `cut` at once when there are too many. */
  add (connection: Deadlined): void {
    if (this.#isClosed || this.#deadlines.size >= MAX_CLOSING) connection.cut()
    else this.#deadlines.add(connection)
  }

  /** The connection is gone. */
  delete (connection: Deadlined): void {
    this.#deadlines.delete(connection)
  }

  /** Cuts all connections, and those that follow at once. */
  close (): void {
    this.#isClosed = true
    this.#deadlines.cutAll()
  }
}
