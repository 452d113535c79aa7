import t from 'tap'
import { ratesBetween } from '../../src/client/traffic-rates.ts'

const stats = {
  at: '2025-01-31T12:00:00.000Z',
  peers: { open: 1, closing: 0, pending: 0 },
  rooms: 1,
  packetsIn: 100,
  packetsOut: 10,
  bytesIn: 1000,
  bytesOut: 0,
  packetsRelayed: 0,
  packetsDropped: 0,
  listening: true,
  refuseNewConnections: false
}
const later = { ...stats, at: '2025-01-31T12:00:02.000Z' }

t.test('rates are per second', async t => {
  const after = { ...later, packetsIn: 150, packetsOut: 10, bytesIn: 3000 }
  t.same(ratesBetween(stats, after), { packetsIn: 25, packetsOut: 0, bytesIn: 1000, bytesOut: 0 })
})

t.test('rates are never negative, although a restarted server counts from 0', async t => {
  t.match(ratesBetween(stats, { ...later, packetsIn: 7 }), { packetsIn: 0 })
})

t.test('totals of other nodes, or of the same time, are not compared', async t => {
  const nodes = ['game-1', 'game-2']
  t.equal(ratesBetween(undefined, stats), undefined)
  t.equal(ratesBetween(stats, stats), undefined)
  t.equal(ratesBetween({ ...stats, nodes }, { ...later, nodes: ['game-1'] }), undefined)
  t.equal(ratesBetween({ ...stats, nodes: ['game-1'] }, { ...later, nodes }), undefined)
  t.match(ratesBetween({ ...stats, nodes }, { ...later, nodes: [...nodes] }), { packetsIn: 0 })
})
