/** Receives a message. */
type Receive<Message> = (message: Message) => void

/** Receivers by subject; in a subscribed subject `*` stands for one word. */
export class Subscriptions<Message> {
  readonly #bySubject = new Map<string, Set<Receive<Message>>>()
  /** Words of the subscribed subjects that have a wildcard. */
  readonly #wildcards = new Map<string, readonly string[]>()

  /** Returns a function that removes it. */
  add (subject: string, receive: Receive<Message>): () => void {
    let receivers = this.#bySubject.get(subject)
    if (receivers === undefined) {
      this.#bySubject.set(subject, receivers = new Set())
      const words = subject.split('.')
      if (words.includes('*')) this.#wildcards.set(subject, words)
    }
    // Its own function, so that one receiver can subscribe twice.
    const own: Receive<Message> = message => { receive(message) }
    receivers.add(own)
    return () => { this.#remove(subject, own) }
  }

  #remove (subject: string, receive: Receive<Message>): void {
    const receivers = this.#bySubject.get(subject)
    receivers?.delete(receive)
    if (receivers?.size !== 0) return
    this.#bySubject.delete(subject)
    this.#wildcards.delete(subject)
  }

  /** Those that receive a message on this subject, which has no wildcard. */
  matching (subject: string): ReadonlyArray<Receive<Message>> {
    const receivers = [...this.#bySubject.get(subject) ?? []]
    if (this.#wildcards.size === 0) return receivers
    const words = subject.split('.')
    for (const [pattern, expected] of this.#wildcards) {
      if (matches(words, expected)) receivers.push(...this.#bySubject.get(pattern)!)
    }
    return receivers
  }
}

function matches (words: readonly string[], pattern: readonly string[]): boolean {
  return words.length === pattern.length &&
    pattern.every((expected, index) => expected === '*' || expected === words[index])
}
