import type { Node, Peer, State } from '../client/operations.ts'
import { ratesBetween, type Stats } from '../client/traffic-rates.ts'
import type { EventLine } from './event-line.ts'

/** How many values of a history and how many lines of events are kept. */
const MAX_KEPT = 200
/** Equal lines among this many of the latest are merged into one with the sum of their counts. */
const MERGE_DISTANCE = 10

/** Everything that `watch` shows. */
export class WatchState {
  readonly url: string
  /** The room that is shown; undefined: all. */
  readonly room: string | undefined
  sort: string
  server: State | undefined
  /** The node of a cluster that `server` is the state of. */
  node: Node | undefined
  /** Why the connection to the service is lost; undefined while it is up. */
  lostReason: string | undefined
  stats: Stats | undefined
  /** The latest values, one per second. */
  readonly history = {
    peers: [] as number[],
    packetsIn: [] as number[],
    packetsOut: [] as number[],
    bytesIn: [] as number[],
    bytesOut: [] as number[]
  }

  peers: readonly Peer[] = []
  /** Number of peers in `room`. */
  members: number | undefined
  readonly events: EventLine[] = []
  isPaused = false

  constructor (url: string, sort: string, room?: string) {
    this.url = url
    this.room = room
    this.sort = sort
  }

  /** Adds an event; a recent line with the same text is replaced by one with the sum of both counts. */
  addEvent (line: EventLine): void {
    const isSame = ({ heading, text }: EventLine): boolean => heading === line.heading && text === line.text
    const earlier = line.count === undefined ? -1 : this.events.findLastIndex(isSame)
    if (earlier < 0 || earlier < this.events.length - MERGE_DISTANCE) append(this.events, line)
    else append(this.events, { ...line, count: line.count! + this.events.splice(earlier, 1)[0].count! })
  }

  /** The connection is lost, or cannot be restored. */
  connectionLost (reason: string): void {
    if (this.lostReason === undefined) this.#note('error', 'connection lost', `(${reason}): ${this.url}`)
    this.lostReason = reason
  }

  /** The service responds. */
  connected (): void {
    if (this.lostReason !== undefined) this.#note('success', 'reconnected', `to ${this.url}`)
    this.lostReason = undefined
  }

  /** Updates totals and rates. */
  updateStats (stats: Stats): void {
    const { history, stats: last } = this
    append(history.peers, stats.peers.open)
    this.stats = stats
    const rates = ratesBetween(last, stats)
    if (rates === undefined) return
    for (const name of ['packetsIn', 'packetsOut', 'bytesIn', 'bytesOut'] as const) append(history[name], rates[name])
  }

  #note (severity: EventLine['severity'], heading: string, text: string): void {
    append(this.events, { at: new Date().toISOString(), severity, heading, text, count: undefined })
  }
}

function append<Value> (values: Value[], value: Value): void {
  values.push(value)
  if (values.length > MAX_KEPT) values.shift()
}
