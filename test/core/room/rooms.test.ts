import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { WebSocket } from 'ws'
import { listeningApp } from '../../helper/app.ts'
import { simulateTime } from '../../helper/clock.ts'
import { Random, seed } from '../../helper/random/random.ts'
import { until } from '../../helper/until.ts'

const HEAD = 9
const MARK = 8
const sizes = [0, 1, 7, 40, 48, 49, 117, 118, 125, 126, 1000, 4096, 16384, 65535, 65536, 70000]

/** A member of a room: knows its id, and keeps what it got of each other member. */
class Member {
  readonly socket: WebSocket
  id = 0
  readonly got = new Map<number, number>()
  readonly faults: string[] = []
  sent = 0

  constructor (url: string) {
    this.socket = new WebSocket(url, { perMessageDeflate: false })
    this.socket.on('message', (data: Buffer) => { this.#receive(data) })
  }

  /** Sends its next packet to all: number and size, then bytes that follow from both. */
  say (size: number): void {
    const packet = Buffer.alloc(HEAD + MARK + size)
    packet.writeInt32LE(this.id, 1)
    packet.writeUInt32LE(this.sent, HEAD)
    packet.writeUInt32LE(size, HEAD + 4)
    packet.fill(this.sent & 255, HEAD + MARK)
    this.sent++
    this.socket.send(packet)
  }

  #receive (data: Buffer): void {
    if (data[0] === 3) this.id = data.readInt32LE(9)
    if (data[0] !== 0) return
    const source = data.readInt32LE(1)
    const number = data.readUInt32LE(HEAD)
    const expected = this.got.get(source) ?? 0
    this.got.set(source, number + 1)
    if (number !== expected) this.faults.push(`${number} of ${source} where ${expected} was due`)
    const body = data.subarray(HEAD + MARK)
    if (body.length !== data.readUInt32LE(HEAD + 4) || body.some(byte => byte !== (number & 255))) {
      this.faults.push(`${number} of ${source} is damaged`)
    }
  }
}

for (const holdTime of [0, 2]) {
  t.test(`every member gets every packet of the others, once, whole and in order (holdTime ${holdTime})`, async t => {
    simulateTime(t)
    const random = new Random(seed)
    const { url } = await listeningApp(t, {
      gdMpApi: true,
      inputBufferKb: 128,
      outputBufferKb: 4096,
      outputMaxPackets: 65536,
      holdTime
    })
    const members = Array.from({ length: 12 }, () => new Member(url))
    await Promise.all(members.map(async ({ socket }) => await once(socket, 'open')))
    await until(() => members.every(({ id }) => id !== 0))

    for (let round = 0; round < 40; round++) {
      for (const member of members) {
        for (let i = random.below(6); i > 0; i--) member.say(random.oneIn(8) ? random.pick(sizes) : random.below(200))
      }
      // Slow readers: some stop reading for a while, so that their part waits in the server.
      for (const { socket } of members) if (random.oneIn(4)) socket.isPaused ? socket.resume() : socket.pause()
      await nextTurn()
    }
    for (const { socket } of members) socket.resume()
    await until(() => members.every(member =>
      members.every(other => other === member || (member.got.get(other.id) ?? 0) === other.sent)))

    t.same(members.flatMap(({ faults }) => faults), [], `seed ${seed}`)
    t.notOk(members.some(member => member.got.has(member.id)), 'nobody hears itself')
    for (const { socket } of members) socket.terminate()
  })
}

t.test('a member that never reads is closed as slow; the others get everything, and memory stays bounded', async t => {
  simulateTime(t)
  const { app, url } = await listeningApp(t, { gdMpApi: true, closeTimeout: 0.5 })
  const members = Array.from({ length: 6 }, () => new Member(url))
  await Promise.all(members.map(async ({ socket }) => await once(socket, 'open')))
  await until(() => members.every(({ id }) => id !== 0))
  const [deaf, ...others] = members
  const peer = app.peerServer.getPeer(deaf.id)
  deaf.socket.pause()

  let most = 0
  while (peer.state !== 'ended') {
    for (const member of others) member.say(8000)
    await nextTurn()
    most = Math.max(most, peer.getCurrentOutboundBufferedAmount())
    await until(() =>
      others.every(member => others.every(other => other === member || (member.got.get(other.id) ?? 0) === other.sent)))
  }

  t.match(peer.end, { cause: 'slow', outcome: 'timeout', code: 4008 })
  t.ok(most < 4 * 65536 + 65536, `at most ${most} bytes waited for the slow member`)
  t.same(others.flatMap(({ faults }) => faults), [])
  t.equal(app.peerServer.peerCount, 5)
  for (const { socket } of members) socket.terminate()
})
