import t from 'tap'
import { IncomingQueue } from '../../../src/core/peer/incoming-queue.ts'
import type { PacketSender } from '../../../src/core/peer/incoming-queue.ts'

const packet = (source: number) => ({ bytes: new Uint8Array(1), isText: false, source })
const sender: PacketSender = { pauseReading () {}, resumeReading () {} }

t.test('packets that are read in one turn admit the waiting ones once', async t => {
  const scheduled: Array<() => void> = []
  const queue = new IncomingQueue({
    queueLimits: { bytes: 100, packets: 2 },
    packetQueued () {},
    defer: callback => { scheduled.push(callback) }
  })
  const senders = [1, 2, 3, 4].map(() => ({ ...sender }))
  for (const [at, sender] of senders.entries()) queue.push(packet(at), sender)
  queue.take()
  queue.take()
  t.equal(scheduled.length, 1)
  scheduled.pop()!()
  t.equal(queue.length, 2)
  queue.push(packet(5), senders[0])
  queue.take()
  t.equal(scheduled.length, 1, 'and again later')
  scheduled.pop()!()
  t.same([queue.take()!.source, queue.take()!.source], [3, 5])
})
