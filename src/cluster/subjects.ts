/**
 * NATS subjects of a cluster, and names of its stores. The name of a room is one token: dots are replaced by `=`, which
 * no name contains.
 */
export class Subjects {
  /** Heartbeats of all nodes. */
  readonly heartbeats: string
  /** A node that starts asks all others for a heartbeat. */
  readonly hello: string
  /** Joins and leaves of peers, by slot of their node. */
  readonly allPeers: string
  /** Events for operators, by slot of their node. */
  readonly allEvents: string
  /** Which rooms have receivers that lag behind. */
  readonly congestion: string
  readonly #namespace: string
  readonly #prefix: string

  constructor (namespace: string) {
    this.#namespace = namespace
    this.#prefix = `gdws.${namespace}`
    this.heartbeats = `${this.#prefix}.hb`
    this.hello = `${this.#prefix}.hello`
    this.allPeers = `${this.#prefix}.ev.*`
    this.allEvents = `${this.#prefix}.feed.*`
    this.congestion = `${this.#prefix}.congestion`
  }

  /** Heartbeats for one node, in answer to its hello. */
  heartbeatsTo (slot: number): string {
    return `${this.#prefix}.n.${slot}.hb`
  }

  /** Asks whether a node responds. */
  ping (slot: number): string {
    return `${this.#prefix}.n.${slot}.ping`
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

  /** Name of a store of the cluster: `nodes`, `rooms`, `state` or `config`. */
  storeName (name: string): string {
    return `gdws-${this.#namespace}-${name}`
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
