import fc from 'fast-check'
import t from 'tap'
import { EventRing } from '../../src/admin/event-ring.ts'
import type { FeedEvent } from '../../src/admin/feed-event.ts'

const closing = (reason: string) => ({ id: 7, room: 'main', code: 4000, reason })

t.test('events beyond the number or the bytes push out the oldest, as in a plain list', async t => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 12 }), fc.integer({
    min: 0,
    max: 8000
  }), fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 60 }), (maxEvents, maxBytes, lengths) => {
    const ring = new EventRing(maxEvents, maxBytes)
    const start = ring.lastId
    let model: FeedEvent[] = []
    for (const [i, length] of lengths.entries()) {
      model.push(ring.add('client_close_request', closing('x'.repeat(length))))
      model = model.slice(Math.max(0, model.length - maxEvents))
      while (model.reduce((sum, { size }) => sum + size, 0) > maxBytes) model.shift()
      const bytes = model.reduce((sum, { size }) => sum + size, 0)
      const same = ring.bytes === bytes && JSON.stringify(ring.all()) === JSON.stringify(model)
      const reachesBack = maxEvents > 0 && model.length === i + 1
      if (!same || (ring.since(start) !== undefined) !== reachesBack) return false
    }
    return model.every((event, i) => JSON.stringify(ring.since(event.id)) === JSON.stringify(model.slice(i + 1)))
  }))
})

t.test('extending the ring keeps its events and raises its limits', async t => {
  for (const [before, after, kept] of [[3, 5, 5], [5, 3, 5], [0, 4, 4], [4, 0, 4]]) {
    const ring = new EventRing(before, before === 0 ? 0 : 1e6)
    const first = Array.from({ length: 7 }, () => ring.add('client_close_request', closing('')))
    ring.extend(after, after === 0 ? 0 : 1e6)
    t.same(ring.all(), before === 0 ? [] : first.slice(-before))
    t.same(ring.since(first[6].id), [])
    const more = Array.from({ length: 6 }, () => ring.add('client_close_request', closing('')))
    t.same(ring.all(), more.slice(-kept))
    t.same(ring.since(more[3].id), more.slice(4))
    t.equal(ring.since(first[0].id), undefined)
  }
})

t.test('the size of an event grows with its data', async t => {
  const ring = new EventRing(10, 1e6)
  const small = ring.add('client_close_request', closing(''))
  const large = ring.add('client_close_request', closing('x'.repeat(1000)))
  t.ok(large.size - small.size >= 1000)
  t.ok(small.size > small.text.length)
  const parameters = { list: ['x'.repeat(500), { deep: 'y'.repeat(500) }] }
  t.ok(ring.add('admin', {
    action: 'stop',
    by: null,
    address: '',
    parameters,
    status: 200
  }).size > 1000, 'nested data count')
})
