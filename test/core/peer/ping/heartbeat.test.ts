import t from 'tap'
import { Heartbeat } from '../../../../src/core/peer/ping/heartbeat.ts'
import { stopTime } from '../../../helper/clock.ts'

/** A peer that is silent unless `missedHeartbeats` is reset to 0. */
class Silent {
  readonly id: number
  isOpen = true
  isPaused = false
  missedHeartbeats = 0
  pings = 0
  cutBy: string | undefined

  constructor (id: number) {
    this.id = id
  }

  ping (): void {
    this.pings++
  }

  destroy (cause: string): void {
    this.cutBy = cause
    this.isOpen = false
  }
}

t.test('a silent peer is pinged within one interval and closed after two', async t => {
  const clock = stopTime(t)
  const peer = new Silent(10)
  const heartbeat = new Heartbeat(() => [peer])
  heartbeat.start(10)
  clock.advance(7000)
  t.equal(peer.pings, 0)
  clock.advance(3000)
  t.equal(peer.pings, 1)
  clock.advance(9900)
  t.equal(peer.cutBy, undefined)
  clock.advance(500)
  t.equal(peer.cutBy, 'silent')
  t.equal(peer.pings, 1)
  heartbeat.stop()
})

t.test('a peer that sends data is neither pinged nor closed', async t => {
  const clock = stopTime(t)
  const peer = new Silent(2)
  new Heartbeat(() => [peer]).start(10)
  for (let second = 0; second < 60; second += 5) {
    clock.advance(5000)
    peer.missedHeartbeats = 0
  }
  t.same([peer.pings, peer.cutBy], [0, undefined])
})

t.test('a paused peer is pinged but not closed; a closing peer is ignored', async t => {
  const clock = stopTime(t)
  const [paused, closing] = [new Silent(2), new Silent(3)]
  paused.isPaused = true
  closing.isOpen = false
  new Heartbeat(() => [paused, closing]).start(1)
  clock.advance(10_000)
  t.same([paused.cutBy, closing.pings, closing.cutBy], [undefined, 0, undefined])
  t.equal(paused.pings, 5, 'a ping to a disconnected client ends its peer')
})

t.test('spreads the pings of 10,000 peers that became silent together', async t => {
  const clock = stopTime(t)
  const peers = Array.from({ length: 10_000 }, (_, at) => new Silent(at + 2))
  new Heartbeat(() => peers).start(10)
  let most = 0
  for (let pinged = 0, now = 0; now < 10_000; now += 250) {
    clock.advance(250)
    const count = peers.reduce((sum, peer) => sum + peer.pings, 0)
    most = Math.max(most, count - pinged)
    pinged = count
  }
  t.ok(peers.every(peer => peer.pings === 1))
  t.ok(most <= 1000, `${most} at once`)
})

t.test('a silent peer is pinged before it is closed when the interval becomes shorter', async t => {
  const clock = stopTime(t)
  const peer = new Silent(10)
  const heartbeat = new Heartbeat(() => [peer])
  heartbeat.start(1)
  clock.advance(700)
  heartbeat.start(0.05)
  clock.advance(60)
  t.same([peer.pings, peer.cutBy], [1, undefined])
  clock.advance(60)
  t.same([peer.pings, peer.cutBy], [1, 'silent'])
})

t.test('an interval of 0 disables heartbeats', async t => {
  const clock = stopTime(t)
  const peer = new Silent(2)
  new Heartbeat(() => [peer]).start(0)
  clock.advance(3_600_000)
  t.same([peer.pings, peer.cutBy], [0, undefined])
})
