import fc from 'fast-check'
import t from 'tap'
import { opcode } from '../../../src/protocol/websocket/frame.ts'
import { FrameReader } from '../../../src/protocol/websocket/frame-reader.ts'
import { codePoint } from '../../helper/random/code-point.ts'
import { Random, scaled, seed } from '../../helper/random/random.ts'
import { randomChunks, randomStream } from '../../helper/random/random-frames.ts'
import { FrameLog } from '../../helper/sockets/frame-log.ts'
import { closePayload, frame } from '../../helper/sockets/raw-frame.ts'
import { WsReader } from '../../helper/sockets/ws-reader.ts'

t.comment(`SEED=${seed}`)

/** Intended differences from the reader of ws; docs/protocol.md, section Frames, explains them. */
const differences = [
  {
    what: 'a reason ends at its first NUL',
    stream: frame(opcode.CLOSE, closePayload(1000, 'bye\0.')),
    ours: ['close 1000 bye'],
    theirs: ['close 1000 bye\0.']
  }
]

for (const { what, stream, ours, theirs } of differences) {
  t.test(`differs from ws: ${what}`, async t => {
    const { mine, other } = readBoth([stream], 1000)
    t.same(mine, ours)
    t.same(other, theirs)
  })
}

/** Both readers' lines for the same chunks, and the first chunk after which they differ. */
function readBoth (
  chunks: Buffer[], limit: number
): { mine: string[], other: string[], differsAt: number | undefined } {
  const mine = new FrameLog()
  const other = new FrameLog()
  const reader = new FrameReader(mine, limit)
  const wsReader = new WsReader(other, limit)
  let differsAt: number | undefined
  for (const [at, chunk] of chunks.entries()) {
    reader.read(Buffer.from(chunk))
    wsReader.read(Buffer.from(chunk))
    if (mine.lines.length !== other.lines.length) differsAt ??= at
  }
  if (mine.lines.join('|') !== other.lines.map(likeOurs).join('|')) differsAt ??= chunks.length - 1
  return { mine: mine.lines, other: other.lines, differsAt }
}

/** A line of ws in our format. */
function likeOurs (line: string): string {
  return line.startsWith('close') ? line.replace(/\0.*$/s, '') : line
}

/** Reads `count` random streams with both readers, and fails with the first difference. */
function compare (
  count: number, throwStream: (random: Random) => Buffer, limit: number
): { tally: Map<string, number>, difference?: object } {
  const tally = new Map<string, number>()
  for (let i = 0; i < count; i++) {
    const random = new Random(seed + i)
    const stream = throwStream(random)
    const chunks = randomChunks(random, stream)
    const { mine, other, differsAt } = readBoth(chunks, limit)
    if (differsAt !== undefined) {
      return {
        tally,
        difference: {
          run: `SEED=${seed + i}`,
          stream: stream.toString('hex'),
          chunks: chunks.map(chunk => chunk.length),
          differsAt,
          mine,
          other
        }
      }
    }
    for (const line of mine) {
      const kind = line.match(/^(violation|close) \d+|^\w+/)![0]
      tally.set(kind, (tally.get(kind) ?? 0) + 1)
    }
  }
  return { tally }
}

t.test('reads valid and mutated random streams in random chunks like ws, chunk by chunk', async t => {
  const { tally, difference } = compare(scaled(5000), randomStream, 290)
  t.equal(difference, undefined)
  // A kind of frame that was never generated was not tested.
  for (const kind of [
    'text', 'binary', 'ping', 'close 1000', 'close 1005', 'violation 1002', 'violation 1007', 'violation 1009'
  ]) {
    t.ok((tally.get(kind) ?? 0) > 50, `${kind}: ${tally.get(kind)} times`)
  }
})

t.test('reads random bytes like ws, without an exception', async t => {
  const likely = [0x81, 0x82, 0x01, 0x80, 0x88, 0x89]
  const randomBytes = (random: Random) => {
    const bytes = random.bytes(random.below(200))
    // Of purely random bytes nearly every first frame is invalid.
    if (!random.oneIn(4) && bytes.length >= 2) bytes.set([random.pick(likely), 0x80 | random.below(128)])
    return bytes
  }
  t.equal(compare(scaled(10_000), randomBytes, 100).difference, undefined)
})

t.test('reads sizes around the limits of the length forms like ws', async t => {
  const sizes = [125, 126, 127, 65534, 65535, 65536, 65537, 100_000, 100_001]
  const large = (random: Random) => Buffer.concat(Array.from({ length: 1 + random.below(3) }, () => {
    const payload = Buffer.alloc(random.pick(sizes), random.bytes(4))
    return frame(opcode.BINARY, payload, { key: random.bytes(4) })
  }))
  t.equal(compare(scaled(50), large, 100_000).difference, undefined)
})

/** Messages, some fragmented, whose payloads have buffers of their own when they are cut. */
function largeStream (random: Random): Buffer {
  const sizes = [10, 4095, 4096, 4097, 5000, 20_000, 70_000]
  return Buffer.concat(Array.from({ length: 1 + random.below(4) }, () => {
    const isText = random.oneIn(3)
    const payload = isText
      ? Buffer.from('é'.repeat(random.pick(sizes) >> 1))
      : Buffer.alloc(random.pick(sizes), random.bytes(100))
    const ends = random.oneIn(2) ? [payload.length] : [random.below(payload.length + 1), payload.length]
    return Buffer.concat([
      ...ends.map((end, at) => frame(at > 0 ? opcode.CONTINUATION : isText ? opcode.TEXT : opcode.BINARY,
        payload.subarray(ends[at - 1] ?? 0, end), { key: random.bytes(4), fin: at === ends.length - 1 })),
      frame(opcode.PING, random.bytes(random.below(20)), { key: random.bytes(4) })
    ])
  }))
}

t.test('reads large messages in random chunks like ws', async t => {
  t.equal(compare(scaled(200), largeStream, 70_000).difference, undefined)
  const broken = (random: Random): Buffer => {
    const stream = largeStream(random)
    stream[random.below(stream.length)] ^= 1 << random.below(8)
    return stream
  }
  t.equal(compare(scaled(200), broken, 70_000).difference, undefined)
})

const aFrame = fc.record({
  code: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...Object.values(opcode)) }, {
    weight: 1,
    arbitrary: fc.nat(15)
  }),
  payload: fc.oneof(fc.uint8Array({
    maxLength: 140
  }), fc.string({ unit: codePoint, maxLength: 60 }).map(text => new Uint8Array(Buffer.from(text)))),
  fin: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.boolean()),
  rsv: fc.oneof({ weight: 20, arbitrary: fc.constant(0) }, fc.nat(7)),
  mask: fc.oneof({ weight: 20, arbitrary: fc.constant(true) }, fc.boolean()),
  key: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  wide: fc.constantFrom(undefined, undefined, undefined, 2 as const, 8 as const)
})

t.test('reads random frames, cut anywhere, like ws; shrinks a difference', async t => {
  t.doesNotThrow(() => fc.assert(fc.property(fc.array(aFrame, {
    maxLength: 6
  }), fc.array(fc.nat(400), { maxLength: 6 }), (frames, cuts) => {
    const stream = Buffer.concat(frames.map(({ code, payload, ...bits }) => frame(code, payload, bits)))
    const ends = [0, ...cuts.sort((a, b) => a - b), stream.length]
    const { mine, other, differsAt } = readBoth(ends.slice(1).map((end, at) => stream.subarray(ends[at], end)), 150)
    if (differsAt !== undefined) throw new Error(JSON.stringify({ stream: stream.toString('hex'), mine, other }))
  }), { numRuns: scaled(500), seed }))
})

t.test('stopping and resuming does not change what is read', async t => {
  const changed: unknown[] = []
  for (let i = 0; i < scaled(1000); i++) {
    const random = new Random(seed + i)
    const isLarge = random.oneIn(5)
    const limit = isLarge ? 70_000 : 500
    const chunks = randomChunks(random, isLarge ? largeStream(random) : randomStream(random))
    const straight = new FrameLog()
    const reader = new FrameReader(straight, limit)
    for (const chunk of chunks) reader.read(Buffer.from(chunk))

    const halting = new FrameLog()
    const stopped = new FrameReader(halting, limit)
    halting.afterMessage = () => { if (random.oneIn(2)) stopped.stop() }
    for (const chunk of chunks) {
      // Also within a message, as when a room is congested.
      if (random.oneIn(3)) stopped.stop()
      stopped.read(Buffer.from(chunk))
      while (stopped.isStopped && random.oneIn(2)) stopped.resume()
    }
    while (stopped.isStopped) stopped.resume()
    if (halting.lines.join('|') !== straight.lines.join('|')) {
      changed.push([`SEED=${seed + i}`, halting.lines, straight.lines])
    }
  }
  t.same(changed, [])
})
