import t from 'tap'
import { RoomOutbox } from '../../../../src/core/room/relay/room-outbox.ts'
import { PeerOutbox } from '../../../../src/core/peer/peer-outbox.ts'
import { MemoryConnection } from '../../../helper/memory/memory-connection.ts'
import { Random, scaled, seed } from '../../../helper/random/random.ts'
import { stopTime } from '../../../helper/clock.ts'
import { nextTurn } from '../../../helper/memory/frame-client.ts'
import { frameSize, parseFrame } from '../../../helper/sockets/raw-frame.ts'

const BINARY = 2

/** An output with its connection, and whether it has been found slow. */
class Reader {
  readonly connection = new MemoryConnection()
  isSlow = false
  readonly output: PeerOutbox
  /** What it should get, packet by packet. */
  readonly due: string[] = []
  #unread = Buffer.alloc(0)

  constructor (onSlow: () => void = () => {}) {
    this.output = new PeerOutbox(this.connection, {
      closeSlow: () => {
        this.isSlow = true
        onSlow()
      }
    })
    this.connection.open({ onData () {}, onClientEnd () {}, onGone () {} })
  }

  /** What it got since the last time. */
  got (): string[] {
    this.#unread = Buffer.concat([this.#unread, this.connection.take()])
    const packets: string[] = []
    for (let size = frameSize(this.#unread); size !== undefined; size = frameSize(this.#unread)) {
      packets.push(parseFrame(this.#unread.subarray(0, size)).payload.toString())
      this.#unread = this.#unread.subarray(size)
    }
    return packets
  }
}

const plenty = { bytes: 1 << 30, packets: 1 << 30 }

t.test('all packets of a turn are sent with one write', async t => {
  const log = new RoomOutbox(plenty)
  const readers = [new Reader(), new Reader(), new Reader()]
  const writes = readers.map(() => 0)
  readers.forEach(({ connection, output }, i) => {
    const write = connection.write.bind(connection)
    connection.write = bytes => {
      writes[i]++
      write(bytes)
    }
    log.add(output)
  })
  for (let i = 0; i < 50; i++) log.sendAll(BINARY, Buffer.from(`all ${i}`), 0, 5, undefined, undefined)
  t.same(writes, [0, 0, 0])
  await nextTurn()
  t.same(writes, [1, 1, 1])
  log.send(readers[0].output, BINARY, Buffer.from('one'), 0, 3)
  log.sendAll(BINARY, Buffer.from('all'), 0, 3, readers[1].output, undefined)
  await nextTurn()
  t.same(readers.map(reader => reader.got().slice(50)), [['one', 'all'], [], ['all']])
})

t.test('each member receives its packets in the order they were sent, for random targets', async t => {
  for (let run = 0; run < scaled(20); run++) {
    const random = new Random(seed + run)
    const log = new RoomOutbox(plenty, random.oneIn(3) ? 1 : 0)
    const readers = Array.from({ length: 5 }, () => new Reader())
    const members = new Set<Reader>()
    let number = 0
    const next = () => {
      const text = `${number++} `.padEnd(random.oneIn(30) ? 70_000 : random.oneIn(4) ? 300 : 8, 'x')
      return { text, bytes: Buffer.from(text) }
    }
    const acts = [
      () => {
        const { text, bytes } = next()
        const without = random.oneIn(2) ? random.pick(readers) : undefined
        const also = random.oneIn(3) ? random.pick(readers.filter(reader => reader !== without)) : undefined
        log.sendAll(BINARY, bytes, 0, bytes.length, without?.output, also?.output)
        for (const member of members) if (member !== without && member !== also) member.due.push(text)
      },
      () => {
        const { text, bytes } = next()
        const reader = random.pick(readers)
        log.send(reader.output, BINARY, bytes, 0, bytes.length)
        reader.due.push(text)
      },
      () => {
        const reader = random.pick(readers)
        if (members.delete(reader)) log.remove(reader.output)
        else {
          members.add(reader)
          log.add(reader.output)
        }
      },
      () => { random.pick(readers).connection.stall() },
      () => { random.pick(readers).connection.unstall() },
      () => { log.flush() },
      async () => { await nextTurn() }
    ]
    const weights = [12, 6, 2, 1, 2, 1, 4]
    const bag = acts.flatMap((act, i) => Array.from({ length: weights[i] }, () => act))
    for (let i = 0; i < 300; i++) await random.pick(bag)()
    for (const { connection } of readers) connection.unstall()
    // A held log takes a few milliseconds more.
    await new Promise(resolve => setTimeout(resolve, 5))
    await nextTurn()
    for (const [i, reader] of readers.entries()) {
      t.equal(reader.got().join(), reader.due.join(), `reader ${i}, seed ${seed + run}`)
      t.equal(reader.output.packetsOut, reader.due.length, 'packets are counted')
      t.equal(reader.output.bytesOut, reader.due.reduce((sum, text) => sum + text.length, 0), 'and their bytes')
    }
  }
})

t.test('a member that accepts nothing buffers at most its limits and is reported as slow', async t => {
  for (const [what, limits, size] of [['bytes', {
    bytes: 10_000,
    packets: 1 << 30
  }, 500], ['packets', { bytes: 1 << 30, packets: 50 }, 10]] as const) {
    await t.test(what, async t => {
      const log = new RoomOutbox(limits)
      const [slow, quick] = [new Reader(), new Reader()]
      for (const { output } of [slow, quick]) log.add(output)
      slow.connection.stall()
      let sent = 0
      for (; !slow.isSlow && sent < 1000; sent++) {
        log.sendAll(BINARY, Buffer.alloc(size), 0, size, undefined, undefined)
        await nextTurn()
      }
      t.ok(sent < 100, `after ${sent} packets`)
      t.equal(quick.got().length, sent)
      t.notOk(quick.isSlow)
      slow.connection.unstall()
      await nextTurn()
      t.equal(slow.got().length, sent, 'until it is closed nothing is lost')
    })
  }
})

t.test('holdTime: the first packet is sent immediately, closely following ones are batched', async t => {
  const clock = stopTime(t)
  const log = new RoomOutbox(plenty, 40)
  clock.advance(40)
  const reader = new Reader()
  log.add(reader.output)
  const say = (text: string) => { log.sendAll(BINARY, Buffer.from(text), 0, text.length, undefined, undefined) }
  say('first')
  await nextTurn()
  t.same(reader.got(), ['first'])
  say('second')
  await nextTurn()
  say('third')
  await nextTurn()
  t.same(reader.got(), [])
  // What is for one alone does not wait, and takes along what came before it.
  log.send(reader.output, BINARY, Buffer.from('own'), 0, 3)
  await nextTurn()
  t.same(reader.got(), ['second', 'third', 'own'])
  say('last')
  clock.advance(40)
  t.same(reader.got(), ['last'])
})

t.test('announcements in a large room wait for each other and for packets, in order', async t => {
  const clock = stopTime(t)
  const log = new RoomOutbox(plenty)
  clock.advance(1000)
  const readers = Array.from({ length: 100 }, () => new Reader())
  for (const { output } of readers) log.add(output)
  const [reader, other] = readers
  let writes = 0
  const write = reader.connection.write.bind(reader.connection)
  reader.connection.write = bytes => {
    writes++
    write(bytes)
  }
  const announce = (text: string): void => { log.announce(BINARY, Buffer.from(text), undefined) }
  const say = (text: string): void => { log.sendAll(BINARY, Buffer.from(text), 0, text.length, undefined, undefined) }

  announce('first')
  await nextTurn()
  t.same(reader.got(), ['first'], 'the first one is sent with its turn')
  for (let i = 0; i < 10; i++) {
    announce(`later ${i}`)
    await nextTurn()
  }
  t.same(reader.got(), [], 'those that follow closely wait')
  clock.advance(5)
  t.equal(reader.got().length, 10, 'for 5 ms')
  t.equal(writes, 2)

  announce('a')
  say('b')
  announce('c')
  await nextTurn()
  t.same(reader.got(), ['a', 'b', 'c'], 'a packet takes along what waits')
  announce('d')
  await nextTurn()
  log.send(other.output, BINARY, Buffer.from('own'), 0, 3)
  await nextTurn()
  t.same(other.got().slice(-2), ['d', 'own'], 'and so does one for a single member')
  t.same(reader.got(), [])
  clock.advance(5)
  t.same(reader.got(), ['d'])
  clock.advance(1000)
  t.same(other.got(), [])
})

t.test('announcements in a small room do not wait', async t => {
  stopTime(t).advance(1000)
  const log = new RoomOutbox(plenty)
  const reader = new Reader()
  log.add(reader.output)
  for (const text of ['a', 'b']) {
    log.announce(BINARY, Buffer.from(text), undefined)
    await nextTurn()
    t.same(reader.got(), [text])
  }
})

t.test('announcements wait no longer than packets with holdTime allow', async t => {
  const clock = stopTime(t)
  const log = new RoomOutbox(plenty, 2)
  clock.advance(1000)
  const readers = Array.from({ length: 1000 }, () => new Reader())
  for (const { output } of readers) log.add(output)
  log.announce(BINARY, Buffer.from('a'), undefined)
  await nextTurn()
  log.announce(BINARY, Buffer.from('b'), undefined)
  log.sendAll(BINARY, Buffer.from('c'), 0, 1, undefined, undefined)
  clock.advance(2)
  t.same(readers[0].got(), ['a', 'b', 'c'])
})

/** Limits small enough that random traffic exceeds them, and what a slow reader does in its callback. */
t.test('sending and removing members in a callback: no other member misses a packet or gets it twice', async t => {
  let slowReaders = 0
  for (let run = 0; run < 150; run++) {
    const random = new Random(seed + run)
    const log = new RoomOutbox({ bytes: 4000, packets: 1 << 30 }, random.oneIn(3) ? 1 : 0)
    const members = new Set<Reader>()
    let number = 0
    const sendAll = (without: Reader | undefined): void => {
      const size = random.oneIn(20) ? 70_000 : random.oneIn(3) ? 3000 : 10
      const bytes = Buffer.from(`${number++} `.padEnd(size, 'x'))
      if (random.oneIn(4)) log.announce(BINARY, bytes, without?.output)
      else log.sendAll(BINARY, bytes, 0, bytes.length, without?.output, undefined)
      for (const member of members) if (member !== without) member.due.push(bytes.toString())
    }
    const sendOne = (reader: Reader): void => {
      const bytes = Buffer.from(`${number++} `.padEnd(100, 'x'))
      log.send(reader.output, BINARY, bytes, 0, bytes.length)
      reader.due.push(bytes.toString())
    }
    const readers: Reader[] = Array.from({ length: 6 }, () => new Reader(() => {
      const [slow] = readers.filter(reader => reader.isSlow && members.has(reader))
      slowReaders++
      members.delete(slow)
      slow.output.drop()
      for (let i = random.below(4); i > 0; i--) sendAll(undefined)
      for (const reader of members) if (random.oneIn(3)) sendOne(reader)
      if (random.oneIn(4)) log.flush()
    }))
    for (const reader of readers) {
      members.add(reader)
      log.add(reader.output)
    }
    const stalled = readers.filter(() => random.oneIn(3))
    for (const { connection } of stalled) connection.stall()
    for (let i = 0; i < 200; i++) {
      const reader = random.pick(readers)
      if (random.oneIn(4)) await nextTurn()
      else if (random.oneIn(4) && members.has(reader) && !stalled.includes(reader)) sendOne(reader)
      else sendAll(random.oneIn(2) && members.has(reader) ? reader : undefined)
    }
    await new Promise(resolve => setTimeout(resolve, 5))
    await nextTurn()
    for (const reader of readers.filter(reader => !stalled.includes(reader))) {
      t.notOk(reader.isSlow)
      t.equal(reader.got().map(short).join(), reader.due.map(short).join(), `seed ${seed + run}`)
    }
  }
  t.ok(slowReaders > 20, `${slowReaders} slow readers`)
})

function short (text: string): string {
  return text.slice(0, 8)
}
