import t from 'tap'
import { WatchState } from '../../src/cli/watch-state.ts'

const at = '2025-01-31T12:00:00.000Z'
const url = 'http://h'
const dropped = { at, severity: 'warning', heading: 'dropped', text: 'packet from 7 (unread)' } as const
const joined = { at, severity: 'success', heading: 'joined', text: '8', count: undefined } as const
const stats = {
  peers: { open: 1, closing: 0, pending: 0 },
  rooms: 1,
  packetsIn: 100,
  packetsOut: 0,
  bytesIn: 0,
  bytesOut: 0,
  packetsRelayed: 0,
  packetsDropped: 0,
  listening: true,
  refuseNewConnections: false
}

t.test('merges recent lines with the same text, and adds their counts', async t => {
  const state = new WatchState(url, 'id')
  for (let i = 0; i < 3; i++) {
    state.addEvent({ ...dropped, count: 100 })
    state.addEvent(joined)
  }
  t.same(state.events.map(({ heading, count }) => [heading, count]),
    [['joined', undefined], ['joined', undefined], ['dropped', 300], ['joined', undefined]])
})

t.test('does not merge lines with another heading', async t => {
  const state = new WatchState(url, 'id')
  state.addEvent({ ...dropped, count: 1 })
  state.addEvent({ ...dropped, heading: 'limit reached', count: 1 })
  t.same(state.events.map(({ count }) => count), [1, 1])
})

t.test('does not merge with an old line, and keeps a limited number of lines', async t => {
  const state = new WatchState(url, 'id')
  state.addEvent({ ...dropped, count: 1 })
  for (let i = 0; i < 300; i++) state.addEvent({ ...joined, text: String(i) })
  state.addEvent({ ...dropped, count: 1 })
  t.match(state.events.at(-1), { count: 1 })
  t.equal(state.events.length, 200)
})

t.test('notes the loss and the return of the connection once each', async t => {
  const state = new WatchState(url, 'id')
  state.connected()
  state.connectionLost('no response from the service')
  state.connectionLost('the service responds with 502')
  t.equal(state.lostReason, 'the service responds with 502')
  state.connected()
  state.connected()
  t.equal(state.lostReason, undefined)
  t.same(state.events.map(({ heading, text }) => `${heading} ${text}`),
    ['connection lost (no response from the service): http://h', 'reconnected to http://h'])
})

t.test('rates are never negative, although a restarted server counts from 0', async t => {
  const state = new WatchState(url, 'id')
  state.updateStats({ ...stats, at: '2025-01-31T12:00:00.000Z' })
  state.updateStats({ ...stats, at: '2025-01-31T12:00:02.000Z', packetsIn: 150 })
  state.updateStats({ ...stats, at: '2025-01-31T12:00:03.000Z', packetsIn: 7 })
  t.same(state.history.packetsIn, [25, 0])
  t.same(state.history.peers, [1, 1, 1])
})

t.test('a node that joins the cluster again does not appear as a burst', async t => {
  const state = new WatchState(url, 'id')
  const [both, one] = [['game-1', 'game-2'], ['game-1']]
  state.updateStats({ ...stats, at: '2025-01-31T12:00:00.000Z', nodes: both, packetsIn: 1_000_010 })
  state.updateStats({ ...stats, at: '2025-01-31T12:00:01.000Z', nodes: one, packetsIn: 20 })
  state.updateStats({ ...stats, at: '2025-01-31T12:00:02.000Z', nodes: one, packetsIn: 30 })
  state.updateStats({ ...stats, at: '2025-01-31T12:00:03.000Z', nodes: both, packetsIn: 1_000_040 })
  state.updateStats({ ...stats, at: '2025-01-31T12:00:04.000Z', nodes: both, packetsIn: 1_000_050 })
  t.same(state.history.packetsIn, [10, 10])
  t.same(state.history.peers, [1, 1, 1, 1, 1])
})
