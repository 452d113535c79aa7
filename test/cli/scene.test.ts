import t from 'tap'
import { Scene } from '../../src/cli/scene.ts'

const at = '2025-01-31T12:00:00.000Z'

t.test('what is told again and again is one line with one count', async t => {
  const scene = new Scene('http://h', 'id')
  for (let i = 0; i < 3; i++) {
    scene.add({ at, tone: 'warn', text: 'dropped unread by 7', count: 100 })
    scene.add({ at, tone: 'good', text: 'joined 8', count: undefined })
  }
  t.same(scene.events.map(({ text, count }) => [text, count]), [['joined 8', undefined], ['joined 8', undefined], ['dropped unread by 7', 300], ['joined 8', undefined]])
})

t.test('but not with one that is long gone; and the list has its end', async t => {
  const scene = new Scene('http://h', 'id')
  scene.add({ at, tone: 'warn', text: 'dropped unread by 7', count: 1 })
  for (let i = 0; i < 300; i++) scene.add({ at, tone: 'good', text: `joined ${i}`, count: undefined })
  scene.add({ at, tone: 'warn', text: 'dropped unread by 7', count: 1 })
  t.match(scene.events.at(-1), { count: 1 })
  t.equal(scene.events.length, 200)
})

t.test('a service that is lost and found is told of once each', async t => {
  const scene = new Scene('http://h', 'id')
  scene.recover()
  scene.fail('the service does not answer')
  scene.fail('the service answers with 502')
  t.equal(scene.trouble, 'the service answers with 502')
  scene.recover()
  scene.recover()
  t.equal(scene.trouble, undefined)
  t.same(scene.events.map(({ text }) => text), ['trouble with http://h: the service does not answer', 'back: http://h answers again'])
})

t.test('rates are what came since the last time, and never negative: a server that starts anew counts from 0', async t => {
  const scene = new Scene('http://h', 'id')
  const stats = { peers: { open: 1, closing: 0, pending: 0 }, packetsIn: 100, packetsOut: 0, bytesIn: 0, bytesOut: 0, packetsRelayed: 0, packetsDropped: 0, listening: true, refuseNewConnections: false }
  scene.measure({ ...stats, at: '2025-01-31T12:00:00.000Z' })
  scene.measure({ ...stats, at: '2025-01-31T12:00:02.000Z', packetsIn: 150 })
  scene.measure({ ...stats, at: '2025-01-31T12:00:03.000Z', packetsIn: 7 })
  t.same(scene.history.packetsIn, [25, 0])
  t.same(scene.history.peers, [1, 1, 1])
})
