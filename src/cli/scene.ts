import type { Peer, State } from '../client/operations.ts'
import type { FeedData } from '../admin/feed-event.ts'
import type { EventLine } from './event-line.ts'

/** Values and lines that are kept. */
const KEPT = 200
/** Among so many of the last lines one that comes again is found, and counted on. */
const FOLDED = 10

type Stats = FeedData['stats'] & { readonly at: string }

/** Everything that `watch` shows. */
export class Scene {
  readonly url: string
  sort: string
  state: State | undefined
  /** What is wrong with the connection to the service, if anything is. */
  trouble: string | undefined
  stats: Stats | undefined
  /** The last values, a second each. */
  readonly history = { peers: [] as number[], packetsIn: [] as number[], packetsOut: [] as number[], bytesIn: [] as number[], bytesOut: [] as number[] }
  peers: readonly Peer[] = []
  readonly events: EventLine[] = []
  isPaused = false

  constructor (url: string, sort: string) {
    this.url = url
    this.sort = sort
  }

  /** Something has happened; what is told again and again is one line. */
  add (line: EventLine): void {
    const earlier = line.count === undefined ? -1 : this.events.findLastIndex(({ text }) => text === line.text)
    if (earlier < 0 || earlier < this.events.length - FOLDED) keep(this.events, line)
    else keep(this.events, { ...line, count: line.count! + this.events.splice(earlier, 1)[0].count! })
  }

  /** The service is lost, or was already. */
  fail (trouble: string): void {
    if (this.trouble === undefined) this.#note('bad', `trouble with ${this.url}: ${trouble}`)
    this.trouble = trouble
  }

  /** The service is there. */
  recover (): void {
    if (this.trouble !== undefined) this.#note('good', `back: ${this.url} answers again`)
    this.trouble = undefined
  }

  /** How the server is, a second later. */
  measure (stats: Stats): void {
    const { history, stats: last } = this
    const seconds = last === undefined ? 0 : (Date.parse(stats.at) - Date.parse(last.at)) / 1000
    keep(history.peers, stats.peers.open)
    if (seconds > 0) for (const name of ['packetsIn', 'packetsOut', 'bytesIn', 'bytesOut'] as const) keep(history[name], Math.max(0, stats[name] - last![name]) / seconds)
    this.stats = stats
  }

  #note (tone: EventLine['tone'], text: string): void {
    keep(this.events, { at: new Date().toISOString(), tone, text, count: undefined })
  }
}

function keep<Value> (values: Value[], value: Value): void {
  values.push(value)
  if (values.length > KEPT) values.shift()
}
