import type { FeedEventData } from './client.ts'

/** Totals of a server or of a cluster at a moment, as `stats` events have them. */
export type Stats = FeedEventData['stats'] & { readonly at: string }

const names = ['packetsIn', 'packetsOut', 'bytesIn', 'bytesOut'] as const

/** Packets and bytes per second. */
type TrafficRates = Readonly<Record<typeof names[number], number>>

/**
 * The rates between two totals; undefined if these cannot be compared: they are sums over different nodes of a cluster,
 * and a node that joins adds all that it has ever counted. A server that was restarted counts from 0.
 */
export function ratesBetween (before: Stats | undefined, after: Stats): TrafficRates | undefined {
  if (before === undefined || String(before.nodes) !== String(after.nodes)) return undefined
  const seconds = (Date.parse(after.at) - Date.parse(before.at)) / 1000
  if (!(seconds > 0)) return undefined
  const rateOf = (name: typeof names[number]): number => Math.max(0, after[name] - before[name]) / seconds
  return Object.fromEntries(names.map(name => [name, rateOf(name)])) as unknown as TrafficRates
}
