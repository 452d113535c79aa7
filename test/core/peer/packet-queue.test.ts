import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { PacketQueue } from '../../../src/core/peer/packet-queue.ts'

const packet = (size: number, source = 2) => ({ bytes: new Uint8Array(size), isText: false, source })

t.test('returns packets in order, however many', async t => {
  const queue = new PacketQueue({ bytes: 1 << 20, packets: 1 << 20 })
  const out: number[] = []
  for (let i = 0; i < 500; i++) {
    for (let j = 0; j < 3; j++) queue.push(packet(1, i * 3 + j))
    out.push(queue.shift()!.source)
  }
  t.equal(queue.length, 1000)
  t.equal(queue.next!.source, 500)
  while (queue.length > 0) out.push(queue.shift()!.source)
  t.same(out, Array.from({ length: 1500 }, (_, i) => i))
  t.equal(queue.shift(), undefined)
})

t.test('has space up to its limits; an empty queue has space for any packet', async t => {
  const queue = new PacketQueue({ bytes: 100, packets: 3 })
  t.ok(queue.hasSpace(1000))
  queue.push(packet(60))
  t.ok(queue.hasSpace(40))
  t.notOk(queue.hasSpace(41))
  queue.push(packet(1))
  queue.push(packet(1))
  t.notOk(queue.hasSpace(1), 'no space for a fourth')
  queue.shift()
  t.ok(queue.hasSpace(98))
})

t.test('what was read does not stay in memory', async t => {
  const queue = new PacketQueue({ bytes: 1 << 20, packets: 1 << 20 })
  for (let i = 0; i < 10; i++) queue.push(packet(1))
  const read = new WeakRef(queue.shift()!)
  setFlagsFromString('--expose-gc')
  await nextTurn()
  runInNewContext('gc')()
  t.equal(read.deref(), undefined)
  t.equal(queue.length, 9)
})
