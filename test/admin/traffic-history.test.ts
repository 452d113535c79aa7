import t from 'tap'
import type { Stats } from '../../src/admin/feed-event.ts'
import { HISTORY_SECONDS, sumOfSamples, TrafficHistory } from '../../src/admin/traffic-history.ts'

function statsOf (open: number, packetsIn: number): Stats {
  return {
    peers: { open, closing: 0, pending: 0 },
    packetsIn,
    packetsOut: 2 * packetsIn,
    bytesIn: 10 * packetsIn,
    bytesOut: 20 * packetsIn,
    rooms: 1,
    packetsRelayed: 0,
    packetsDropped: 0,
    listening: true,
    refuseNewConnections: false
  }
}

t.test('keeps the rates between totals, one for each second', async t => {
  const history = new TrafficHistory()
  t.match(history.samples, { peers: [], packetsIn: [], bytesOut: [] })
  history.add(statsOf(1, 100), 5000)
  t.same(history.samples.peers, [], 'a rate needs two totals')
  history.add(statsOf(2, 103), 6000)
  history.add(statsOf(3, 103), 6999)
  t.match(history.samples, {
    peers: [2, 3], packetsIn: [3, 0], packetsOut: [6, 0], bytesIn: [30, 0], bytesOut: [60, 0]
  })
  t.ok(Math.abs(history.samples.at - Date.now()) < 20_000)
})

t.test('spreads the traffic over the seconds in which nothing was read', async t => {
  const history = new TrafficHistory()
  history.add(statsOf(1, 0), 0)
  history.add(statsOf(4, 30), 3000)
  t.match(history.samples, { peers: [4, 4, 4], packetsIn: [10, 10, 10] })
  history.add(statsOf(4, 30), 10_000_000)
  t.equal(history.samples.peers.length, HISTORY_SECONDS, 'not more than are kept')
})

t.test('a server that restarts its counters has no negative rates', async t => {
  const history = new TrafficHistory()
  history.add(statsOf(1, 50), 0)
  history.add(statsOf(1, 0), 1000)
  t.same(history.samples.packetsIn, [0])
})

t.test('keeps the last ten minutes', async t => {
  const history = new TrafficHistory()
  for (let second = 0; second <= 1000; second++) history.add(statsOf(second, second), second * 1000)
  const { peers, packetsIn } = history.samples
  t.same([peers.length, peers[0], peers.at(-1)], [600, 401, 1000])
  t.ok(packetsIn.every(rate => rate === 1))
})

t.test('histories of different lengths are added from the latest sample on', async t => {
  const samples = (at: number, ...numbers: number[]) =>
    ({ at, peers: numbers, packetsIn: numbers, packetsOut: numbers, bytesIn: numbers, bytesOut: numbers })
  t.same(sumOfSamples([samples(7, 1.1, 2, 3), samples(8, 0.2)]), samples(7, 1.1, 2, 3.2))
  t.same(sumOfSamples([samples(7), samples(8, 5, 6)]), samples(7, 5, 6))
})
