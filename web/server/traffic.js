// The charts, and the current values above them.
import { client } from '../base/api.js'
import { Chart } from '../base/chart.js'
import { formatCount } from '../client/format.js'
import { ratesBetween } from '../client/traffic-rates.js'
import { byId, setText } from '../base/dom.js'

const directions = { in: '--in', out: '--out' }

/** Peers, packets and bytes of the last ten minutes: the history of the server, continued by its `stats` events. */
export class Traffic {
  #peers = new Chart(byId('chart-peers'), { lines: { peers: '--accent' } })
  #rates = {
    packets: new Chart(byId('chart-packets'), {
      lines: directions, units: ['packets/s', 'k packets/s', 'M packets/s']
    }),
    bytes: new Chart(byId('chart-bytes'), { lines: directions, base: 1024, units: ['B/s', 'KiB/s', 'MiB/s', 'GiB/s'] })
  }

  #latest

  /** Loads the history of the server, unless another server is shown by then. */
  async load () {
    const asked = client
    const { at, interval, peers, ...columns } = await client.call('getHistory')
    if (client !== asked) return
    const timeOf = i => Date.parse(at) - (peers.length - 1 - i) * interval * 1000
    this.#peers.set(peers.map((count, i) => ({ at: timeOf(i), values: [count] })))
    for (const [name, chart] of Object.entries(this.#rates)) {
      const [incoming, outgoing] = [columns[`${name}In`], columns[`${name}Out`]]
      chart.set(incoming.map((rate, i) => ({ at: timeOf(i), values: [rate, outgoing[i]] })))
      if (incoming.length > 0) showRates(name, chart, incoming.at(-1), outgoing.at(-1))
    }
    this.#latest = undefined
  }

  /** Adds the rates between the previous totals and these. Returns the seconds between them. */
  add (stats) {
    const { open, closing, pending } = stats.peers
    const others = [[closing, 'closing'], [pending, 'pending']].filter(([count]) => count > 0)
    setText(byId('peers-now'), formatCount(open))
    setText(byId('peers-more'), others.map(([count, name]) => `${formatCount(count)} ${name}`).join(', '))
    const time = Date.parse(stats.at)
    const before = this.#latest
    this.#latest = stats
    const seconds = before === undefined ? 0 : (time - Date.parse(before.at)) / 1000
    if (seconds <= 0) return 0
    this.#peers.add(time, open)
    const rates = ratesBetween(before, stats)
    if (rates === undefined) return seconds
    for (const [name, chart] of Object.entries(this.#rates)) {
      const [incoming, outgoing] = [rates[`${name}In`], rates[`${name}Out`]]
      chart.add(time, incoming, outgoing)
      showRates(name, chart, incoming, outgoing)
    }
    return seconds
  }

  /** Removes all values before another server is shown. */
  clear () {
    this.#latest = undefined
    for (const chart of [this.#peers, ...Object.values(this.#rates)]) chart.set([])
  }
}

function showRates (name, chart, incoming, outgoing) {
  setText(byId(`${name}-unit`), chart.unit)
  setText(byId(`${name}-in`), chart.format(incoming))
  setText(byId(`${name}-out`), chart.format(outgoing))
}
