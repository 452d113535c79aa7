/** Why a request over the bus failed; `refused`: the broker is full, for instance, or has no leader at the moment. */
export type BusFault = 'no-responders' | 'timeout' | 'disconnected' | 'refused'

/** A request over the bus failed. */
export class BusError extends Error {
  readonly fault: BusFault

  constructor (fault: BusFault, subject: string, options?: ErrorOptions) {
    super(`${fault}: ${subject}`, options)
    this.name = 'BusError'
    this.fault = fault
  }
}

/** A message from another node, or from this one. */
export interface BusMessage {
  readonly subject: string
  /** Valid until the callback returns. */
  readonly bytes: Uint8Array
  /** Answers a request; does nothing on other messages, nor after the bus has closed. */
  respond (bytes: Uint8Array): void
}

/** One key of a store. */
export interface StoreEntry {
  readonly key: string
  /** Undefined: it was deleted or has expired. */
  readonly value: Uint8Array | undefined
  /** Increases with every change of any key of the store. */
  readonly revision: number
}

/**
 * Keys and values that all nodes share, changed by compare-and-swap. A key consists of words of letters, digits, `-`,
 * `_`, `=` or `/`, joined by dots; a value belongs to the store from now on. Methods reject with BusError.
 */
export interface KeyStore {
  /** Creates a key; returns its revision, or undefined if it exists. */
  create (key: string, value: Uint8Array): Promise<number | undefined>
  /** Changes a key if it has this revision; returns the new one, or undefined if it has another. */
  update (key: string, value: Uint8Array, revision: number): Promise<number | undefined>
  /** Sets a key unconditionally. */
  put (key: string, value: Uint8Array): Promise<number>
  /** Deletes a key if it has this revision, or any; false if it has another. */
  delete (key: string, revision?: number): Promise<boolean>
  /** Undefined if the key does not exist. */
  get (key: string): Promise<StoreEntry | undefined>
  /**
   * Calls back with every key, then with every change that is not followed at once by another one of the same key, in
   * order of revision; resolves when all present keys were given; rejects if the broker does not deliver them. After a
   * loss of the connection it continues with what has changed in the meantime; if the broker has lost the store, it
   * calls `renewed`, as revisions start over, and then back with every key. Expired keys are not reported. Returns a
   * function that ends the watch.
   */
  watch (receive: (entry: StoreEntry) => void, renewed?: () => void): Promise<() => void>
  /**
   * How old the store was when the key was last changed, in milliseconds by the broker's clock; undefined when there is
   * no such key. A young store may replace an earlier one whose keys the broker has lost.
   */
  age (key: string): Promise<number | undefined>
  /**
   * Drops what the broker keeps of keys that were deleted up to this revision: a watch that is disconnected now does
   * not report them later. Returns the latest revision.
   */
  compact (upTo: number): Promise<number>
}

/**
 * What connects the nodes of a cluster: messages by subject (dot-separated words), at most once, in order per sender
 * over all subjects; requests; and stores of keys. Only a broker that was stopped may deliver messages late when it
 * resumes, so senders number them (`LastNumbers`).
 */
export interface Bus {
  /** Bytes of the largest message. */
  readonly maxPayload: number
  /** Whether the broker is reachable, as far as known. */
  readonly isConnected: boolean
  /** Bytes published that the broker has not confirmed, to within 256 KiB; 0 after a flush. */
  readonly unconfirmedBytes: number
  /**
   * Sends to all subscribers on other nodes; the bytes belong to the bus from now on. Lost while disconnected.
   * @throws ERR_INVALID_PARAMETER for more bytes than `maxPayload`.
   */
  publish (subject: string, bytes: Uint8Array): void
  /**
   * Calls back with each message of other nodes on this subject; returns a function that unsubscribes. `*` stands for
   * one word. What the callback throws is an uncaught exception.
   */
  subscribe (subject: string, receive: (message: BusMessage) => void): () => void
  /** The first response; rejects with BusError. */
  request (subject: string, bytes: Uint8Array, milliseconds: number): Promise<Uint8Array>
  /** Resolves when the broker has processed everything that was published and subscribed; rejects with BusError. */
  flush (): Promise<void>
  /**
   * The store of this name (letters, digits, `-`, `_`), created if necessary; keys expire `seconds` after their last
   * change, if given.
   */
  openStore (name: string, seconds?: number): Promise<KeyStore>
  /**
   * Calls back when the connection to the broker is lost (false) or back (true); returns a function that unsubscribes.
   */
  onStatus (listener: (isConnected: boolean) => void): () => void
  /** Sends what is published and disconnects. */
  close (): Promise<void>
}
