/** NATS subjects of a cluster. The name of a room is one token: dots are replaced by `=`, which no name contains. */
export class Subjects {
  /** Joins and leaves of peers, by slot of their node. */
  readonly allPeers: string
  /** Events for operators, by slot of their node. */
  readonly allEvents: string
  /** Which rooms have receivers that lag behind. */
  readonly congestion: string
  readonly #prefix: string

  constructor (namespace: string) {
    this.#prefix = `gdws.${namespace}`
    this.allPeers = `${this.#prefix}.ev.*`
    this.allEvents = `${this.#prefix}.feed.*`
    this.congestion = `${this.#prefix}.congestion`
  }

  /** Announcements of a node about its peers. */
  peersOf (slot: number): string {
    return `${this.#prefix}.ev.${slot}`
  }

  /** Operator events of a node. */
  eventsOf (slot: number): string {
    return `${this.#prefix}.feed.${slot}`
  }

  /** Frames for the members of a room. */
  room (name: string): string {
    return `${this.#prefix}.room.${keyOf(name)}`
  }

  /** Packets for single peers of a node. */
  packets (slot: number): string {
    return `${this.#prefix}.n.${slot}.pkt`
  }

  /** Requests to a node. */
  commands (slot: number): string {
    return `${this.#prefix}.n.${slot}.cmd`
  }
}

/** The key of a room in a store: names of rooms contain no `=`. */
export function keyOf (room: string): string {
  return room.replaceAll('.', '=')
}

/** The room of a key. */
export function roomOf (key: string): string {
  return key.replaceAll('=', '.')
}
