import t from 'tap'
import { opcode } from '../../../src/protocol/websocket/frame.ts'
import { FrameReader, type FrameReceiver } from '../../../src/protocol/websocket/frame-reader.ts'
import { Random, scaled, seed } from '../../helper/random/random.ts'
import { randomChunks, validFrames } from '../../helper/random/random-frames.ts'
import { FrameLog, line } from '../../helper/sockets/frame-log.ts'
import { closePayload, frame } from '../../helper/sockets/raw-frame.ts'

const { CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG } = opcode
const LIMIT = 1 << 20
const more = { fin: false }
const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')

/** What a fresh reader reports of these chunks. */
function read (chunks: Buffer[], limit = LIMIT): string[] {
  const log = new FrameLog()
  const reader = new FrameReader(log, limit)
  for (const chunk of chunks) reader.read(Buffer.from(chunk))
  return log.lines
}

const textOf = (text: string) => line(TEXT, text)
const pingOf = (text: string) => `ping ${Buffer.from(text).toString('hex')}`

interface Case { what: string, frames: Buffer[], told: string[], limit?: number }

const messages: Case[] = [
  { what: 'a text', frames: [frame(TEXT, 'hello')], told: [textOf('hello')] },
  { what: 'a binary message', frames: [frame(BINARY, bytes('00ff80'))], told: ['binary 00ff80'] },
  { what: 'empty messages', frames: [frame(TEXT), frame(BINARY)], told: ['text ', 'binary '] },
  { what: 'a mask of zeros', frames: [frame(TEXT, 'hello', { key: Buffer.alloc(4) })], told: [textOf('hello')] },
  {
    what: 'three fragments',
    frames: [frame(TEXT, 'he', more), frame(CONTINUATION, 'l', more), frame(CONTINUATION, 'lo')],
    told: [textOf('hello')]
  },
  {
    what: 'binary fragments',
    frames: [frame(BINARY, bytes('c3'), more), frame(CONTINUATION, bytes('28'))],
    told: ['binary c328']
  },
  {
    what: 'empty fragments around one that is not',
    frames: [frame(TEXT, '', more), frame(CONTINUATION, 'x', more), frame(CONTINUATION)],
    told: [textOf('x')]
  },
  {
    what: 'nothing but empty fragments',
    frames: [frame(BINARY, '', more), frame(CONTINUATION, '', more), frame(CONTINUATION)],
    told: ['binary ']
  },
  {
    what: 'a text whose second byte of ü comes in the next fragment',
    frames: [frame(TEXT, bytes('c3'), more), frame(CONTINUATION, bytes('bc'))],
    told: [textOf('ü')]
  },
  {
    what: 'two fragmented messages after each other',
    frames: [frame(TEXT, 'a', more), frame(CONTINUATION, 'b'), frame(BINARY, 'c', more), frame(CONTINUATION, 'd')],
    told: [textOf('ab'), line(BINARY, 'cd')]
  },
  {
    what: 'a message behind a fragmented one',
    frames: [frame(TEXT, 'a', more), frame(CONTINUATION, 'b'), frame(TEXT, 'c')],
    told: [textOf('ab'), textOf('c')]
  },
  { what: 'a ping', frames: [frame(PING, 'now')], told: ['ping 6e6f77'] },
  { what: 'a ping of 125 bytes', frames: [frame(PING, Buffer.alloc(125))], told: ['ping ' + '00'.repeat(125)] },
  { what: 'a pong, which is not reported', frames: [frame(PONG, 'x'), frame(TEXT, 'y')], told: [textOf('y')] },
  {
    what: 'control frames amid fragments',
    frames: [
      frame(TEXT, 'a', more), frame(PING, '1'), frame(PONG), frame(CONTINUATION, 'b', more), frame(PING, '2'),
      frame(CONTINUATION, 'c')
    ],
    told: ['ping 31', 'ping 32', textOf('abc')]
  },
  {
    what: 'a close amid fragments',
    frames: [frame(TEXT, 'a', more), frame(CLOSE, closePayload(1001))],
    told: ['close 1001 ']
  }
]

const lengths: Case[] = [0, 1, 125, 126, 127, 65535, 65536, 70000].map(size => {
  const payload = Buffer.alloc(size, 'abc')
  return {
    what: `a length of ${size} in its shortest form`,
    frames: [frame(BINARY, payload)],
    told: [line(BINARY, payload)]
  }
})
lengths.push(
  {
    what: 'short payloads with long lengths',
    frames: [frame(BINARY, 'a', { wide: 2 }), frame(BINARY, 'b', { wide: 8 }), frame(BINARY, '', { wide: 8 })],
    told: [line(BINARY, 'a'), line(BINARY, 'b'), 'binary ']
  },
  {
    what: 'fragments in all three forms',
    frames: [
      frame(TEXT, 'a', more), frame(CONTINUATION, 'b', { fin: false, wide: 2 }),
      frame(CONTINUATION, 'c', { wide: 8 })
    ],
    told: [textOf('abc')]
  }
)

const broken: Case[] = [
  { what: 'reserved bit 1', frames: [frame(TEXT, 'x', { rsv: 4 })], told: ['violation 1002'] },
  { what: 'reserved bit 2', frames: [frame(BINARY, 'x', { rsv: 2 })], told: ['violation 1002'] },
  { what: 'reserved bit 3', frames: [frame(PING, 'x', { rsv: 1 })], told: ['violation 1002'] },
  {
    what: 'a reserved bit in a continuation',
    frames: [frame(TEXT, 'x', more), frame(CONTINUATION, 'x', { rsv: 4 })],
    told: ['violation 1002']
  },
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(code => ({
    what: `reserved opcode ${code}`,
    frames: [frame(TEXT, 'x'), frame(code, 'y')],
    told: [textOf('x'), 'violation 1002']
  })),
  ...[TEXT, BINARY, CLOSE, PING, PONG].map(code => ({
    what: `opcode ${code} without a mask`,
    frames: [frame(code, '', { mask: false })],
    told: ['violation 1002']
  })),
  ...[CLOSE, PING, PONG].map(code => ({
    what: `opcode ${code} as a fragment`,
    frames: [frame(code, '', more)],
    told: ['violation 1002']
  })),
  ...[CLOSE, PING, PONG].map(code => ({
    what: `opcode ${code} with 126 bytes`,
    frames: [frame(code, Buffer.alloc(126))],
    told: ['violation 1002']
  })),
  { what: 'a ping of one byte with a long length', frames: [frame(PING, 'x', { wide: 2 })], told: ['violation 1002'] },
  { what: 'a continuation without a start', frames: [frame(CONTINUATION, 'x')], told: ['violation 1002'] },
  {
    what: 'a continuation that is not the last, without a start',
    frames: [frame(CONTINUATION, 'x', more)],
    told: ['violation 1002']
  },
  {
    what: 'a continuation behind the last fragment',
    frames: [frame(TEXT, 'a', more), frame(CONTINUATION, 'b'), frame(CONTINUATION, 'c')],
    told: [textOf('ab'), 'violation 1002']
  },
  { what: 'a text amid fragments', frames: [frame(TEXT, 'a', more), frame(TEXT, 'b')], told: ['violation 1002'] },
  {
    what: 'a new start amid fragments',
    frames: [frame(BINARY, 'a', more), frame(BINARY, 'b', more)],
    told: ['violation 1002']
  },
  {
    what: 'what follows a violation',
    frames: [frame(TEXT, 'x', { rsv: 1 }), frame(TEXT, 'y'), frame(PING), frame(CLOSE)],
    told: ['violation 1002']
  }
]

/** Not UTF-8, and where the fault lies. */
const badUtf8: Array<[what: string, hex: string]> = [
  ['a continuation byte alone', '80'],
  ['the last continuation byte alone', 'bf'],
  ['an overlong slash of 2 bytes', 'c0af'],
  ['an overlong slash of 3 bytes', 'e080af'],
  ['an overlong slash of 4 bytes', 'f08080af'],
  ['a high surrogate', 'eda080'],
  ['a low surrogate', 'edbfbf'],
  ['a surrogate pair', 'eda080edb080'],
  ['a code point over U+10FFFF', 'f4908080'],
  ['a byte that is never there', 'fe'],
  ['a sequence of 2 bytes cut short', 'c3'],
  ['a sequence of 3 bytes cut short', 'e282'],
  ['a sequence of 4 bytes cut short', 'f09f98'],
  ['an ASCII byte in a sequence', 'e28261'],
  ['a fault behind 100 good bytes', '61'.repeat(100) + 'ff'],
  ['a fault before 100 good bytes', 'ff' + '61'.repeat(100)]
]
const utf8: Case[] = badUtf8.flatMap(([what, hex]) => {
  const text = bytes(hex)
  const halves = [text.subarray(0, text.length >> 1), text.subarray(text.length >> 1)]
  return [
    { what: `text with ${what}`, frames: [frame(TEXT, text)], told: ['violation 1007'] },
    {
      what: `fragmented text with ${what}`,
      frames: [frame(TEXT, halves[0], more), frame(PING), frame(CONTINUATION, halves[1])],
      told: ['ping ', 'violation 1007']
    },
    { what: `text with ${what}, sent as binary`, frames: [frame(BINARY, text)], told: [line(BINARY, text)] },
    ...(text.length <= 121
      ? [{
          what: `a close reason with ${what}`,
          frames: [frame(CLOSE, Buffer.concat([closePayload(1000), text]))],
          told: ['violation 1007']
        }]
      : [])
  ]
})
for (const good of [
  '\0', 'κόσμε', '\u07ff\u0800\ud7ff\ue000\ufffd\uffff', '\u{10000}\u{10ffff}', 'ß'.repeat(100), '\ufeff'
]) {
  utf8.push({
    what: `the good text ${JSON.stringify(good.slice(0, 9))}`,
    frames: [frame(TEXT, good)],
    told: [textOf(good)]
  })
}

const closes: Case[] = [
  { what: 'a close without a payload', frames: [frame(CLOSE)], told: ['close 1005 '] },
  { what: 'a close with a code', frames: [frame(CLOSE, closePayload(1000))], told: ['close 1000 '] },
  { what: 'a close with a reason', frames: [frame(CLOSE, closePayload(4999, 'grüße'))], told: ['close 4999 grüße'] },
  {
    what: 'a close with the longest reason',
    frames: [frame(CLOSE, closePayload(3000, 'x'.repeat(123)))],
    told: ['close 3000 ' + 'x'.repeat(123)]
  },
  {
    what: 'a reason that ends in a NUL, as Godot 3 sends it',
    frames: [frame(CLOSE, closePayload(1000, 'bye\0'))],
    told: ['close 1000 bye']
  },
  { what: 'a close of one byte', frames: [frame(CLOSE, 'x')], told: ['violation 1002'] },
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4000, 4999].map(code => ({
    what: `close code ${code}`,
    frames: [frame(CLOSE, closePayload(code))],
    told: [`close ${code} `]
  })),
  ...[0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535].map(code => ({
    what: `close code ${code}`,
    frames: [frame(CLOSE, closePayload(code))],
    told: ['violation 1002']
  })),
  {
    what: 'what follows a close',
    frames: [
      frame(CLOSE, closePayload(1000)), frame(TEXT, 'x'), frame(PING), frame(CLOSE), frame(TEXT, '', { rsv: 7 })
    ],
    told: ['close 1000 ']
  }
]

const limits: Case[] = [
  {
    what: 'a message of just the limit',
    limit: 10,
    frames: [frame(BINARY, '0123456789')],
    told: [line(BINARY, '0123456789')]
  },
  { what: 'one byte over the limit', limit: 10, frames: [frame(BINARY, '0123456789x')], told: ['violation 1009'] },
  {
    what: 'fragments of just the limit',
    limit: 10,
    frames: [frame(TEXT, '01234', more), frame(CONTINUATION, '56789')],
    told: [textOf('0123456789')]
  },
  {
    what: 'fragments one byte over the limit',
    limit: 10,
    frames: [frame(TEXT, '01234', more), frame(CONTINUATION, '56789', more), frame(CONTINUATION, 'x')],
    told: ['violation 1009']
  },
  {
    what: 'an empty fragment at the limit',
    limit: 2,
    frames: [frame(TEXT, '01', more), frame(CONTINUATION)],
    told: [textOf('01')]
  },
  {
    what: 'messages that are over the limit only together',
    limit: 2,
    frames: [frame(TEXT, '01'), frame(TEXT, '2', more), frame(CONTINUATION, '3'), frame(TEXT, '45')],
    told: [textOf('01'), textOf('23'), textOf('45')]
  },
  {
    what: 'a control frame over the limit, which is for messages',
    limit: 2,
    frames: [frame(PING, 'ping')],
    told: ['ping 70696e67']
  },
  {
    what: 'a limit of 65535 bytes',
    limit: 65535,
    frames: [frame(BINARY, Buffer.alloc(65535)), frame(BINARY, Buffer.alloc(65536))],
    told: [line(BINARY, Buffer.alloc(65535)), 'violation 1009']
  }
]

for (const { what, frames, told, limit } of [...messages, ...lengths, ...broken, ...utf8, ...closes, ...limits]) {
  t.test(`${what}: in one chunk, in a chunk per frame, byte by byte`, async t => {
    const stream = Buffer.concat(frames)
    t.same(read([stream], limit), told)
    t.same(read(frames, limit), told)
    t.same(read(stream.length > 300 ? cutEvery(stream, 41) : cutEvery(stream, 1), limit), told)
  })
}

function cutEvery (stream: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(stream.length / size) }, (_, at) => stream.subarray(at * size, (at + 1) * size))
}

t.test('masks are undone at sizes 0 to 300 and offsets 0 to 7, and no byte beside the payload is touched', async t => {
  const wrong: string[] = []
  const memory = Buffer.from(new ArrayBuffer(340))
  for (let size = 0; size <= 300; size++) {
    const payload = Buffer.from(Array.from({ length: size }, (_, at) => at * 7 + size))
    const sent = frame(BINARY, payload, { key: bytes('81 42 24 f8') })
    for (let offset = 0; offset < 8; offset++) {
      memory.fill(0x55)
      memory.set(sent, offset)
      const log = new FrameLog()
      new FrameReader(log, LIMIT).read(memory.subarray(offset, offset + sent.length))
      const isOthersAsBefore = memory.every((byte, at) => (at >= offset && at < offset + sent.length) || byte === 0x55)
      const isHeadAsBefore = sent.subarray(0, sent.length - size)
        .equals(memory.subarray(offset, offset + sent.length - size))
      if (log.lines[0] !== line(BINARY, payload) || !isOthersAsBefore || !isHeadAsBefore) {
        wrong.push(`${size} at ${offset}`)
      }
    }
  }
  t.same(wrong, [])
})

t.test('frames of many sizes in one chunk begin at any alignment', async t => {
  const payloads = Array.from({ length: 300 }, (_, at) => Buffer.alloc(at, String(at)))
  t.same(
    read([Buffer.concat(payloads.map(payload => frame(BINARY, payload)))]),
    payloads.map(payload => line(BINARY, payload))
  )
})

t.test('only the first `length` bytes of a chunk are read', async t => {
  const log = new FrameLog()
  const reader = new FrameReader(log, LIMIT)
  const [first, second] = [frame(TEXT, 'one'), frame(TEXT, 'two')]
  const chunk = Buffer.concat([first, second])

  reader.read(chunk, first.length + 3)
  t.same(log.lines, [textOf('one')])

  reader.read(second.subarray(3))
  t.same(log.lines, [textOf('one'), textOf('two')])
})

t.test('reports a whole frame as a range of the chunk, without copying it', async t => {
  const chunk = frame(BINARY, Buffer.alloc(500, 'x'))
  let told: Uint8Array | undefined
  const log = new FrameLog()
  log.onMessage = at => { told = at }
  new FrameReader(log, LIMIT).read(chunk)
  t.equal(told, chunk)
})

t.test('copies the payload of a close frame, as the chunk may be reused', async t => {
  const chunk = frame(CLOSE, closePayload(1000, 'bye'))
  let payload: Uint8Array | undefined
  const log: FrameReceiver = Object.assign(new FrameLog(), {
    onClose (code: number, reason: string, its: Uint8Array) { payload = its }
  })
  new FrameReader(log, LIMIT).read(chunk)
  chunk.fill(0)
  t.same(Buffer.from(payload!), closePayload(1000, 'bye'))
})

/** A session with every kind of frame, all length forms among them, and what it says. */
const long = 'ä'.repeat(70)
const session = [
  frame(TEXT, 'hello'), frame(BINARY, ''), frame(BINARY, bytes('00ff')), frame(PING, 'p'),
  frame(TEXT, bytes('c3'), more), frame(PING), frame(CONTINUATION, bytes('bc'), { fin: false, wide: 2 }),
  frame(PONG), frame(CONTINUATION, 'x', { wide: 8 }),
  frame(TEXT, long), frame(BINARY, 'y'), frame(CLOSE, closePayload(1001, 'gone')), frame(TEXT, 'never')
]
const said = [
  textOf('hello'), 'binary ', 'binary 00ff', 'ping 70', 'ping ', textOf('üx'), textOf(long), line(BINARY, 'y'),
  'close 1001 gone'
]

t.test('a chunk may end at every byte', async t => {
  const stream = Buffer.concat(session)
  t.same(read([stream]), said)
  for (let cut = 0; cut <= stream.length; cut++) {
    t.equal(read([stream.subarray(0, cut), stream.subarray(cut)]).join(), said.join(), `cut at ${cut}`)
  }
})

t.test('a frame may be split at any two positions, or not at all', async t => {
  const wrong: string[] = []
  for (const wide of [0, 2, 8] as const) {
    const stream = Buffer.concat([frame(TEXT, 'first', { wide }), frame(TEXT, 'second', { wide })])
    for (let cut = 0; cut <= stream.length; cut++) {
      for (let next = cut; next <= stream.length; next++) {
        const lines = read([
          stream.subarray(0, cut), stream.subarray(cut, next), Buffer.alloc(0),
          stream.subarray(next)
        ])
        if (lines.join() !== [textOf('first'), textOf('second')].join()) {
          wrong.push(`cut at ${cut} and ${next}, length in ${wide} bytes`)
        }
      }
    }
  }
  t.same(wrong, [])
})

t.test('rejects an invalid header at its second byte or its length, before the payload arrives', async t => {
  const heads: Array<[head: string, told: string]> = [
    ['c1 81', 'violation 1002'],
    ['83 81', 'violation 1002'],
    ['81 01', 'violation 1002'],
    ['80 81', 'violation 1002'],
    ['89 fe', 'violation 1002'],
    ['88 ff', 'violation 1002'],
    ['88 81', 'violation 1002'],
    ['f1 fe', 'violation 1002'],
    ['82 fe 00 65', 'violation 1009'],
    ['82 ff 00 00 00 00 00 00 00 65', 'violation 1009'],
    ['82 ff 00 00 01 00 00 00 00 00', 'violation 1009'],
    ['82 ff 7f ff ff ff ff ff ff ff', 'violation 1009'],
    ['82 ff ff ff ff ff ff ff ff ff', 'violation 1009'],
    ['02 ff 80 00 00 00 00 00 00 00', 'violation 1009']
  ]
  for (const [head, told] of heads) {
    const whole = bytes(head)
    t.same(read([whole], 100), [told], head)
    t.same(read(cutEvery(whole, 1), 100), [told], `${head}, byte by byte`)
    t.same(read([whole.subarray(0, -1)], 100), [], `${head}, but for its last byte`)
  }
})

t.test('rejects a fragment that makes the message too long as soon as its header arrives', async t => {
  const start = frame(BINARY, Buffer.alloc(60), more)
  t.same(read([start, bytes('80 a8')], 100), [])
  t.same(read([start, bytes('80 a9')], 100), ['violation 1009'])
})

t.test('memory grows with the bytes received, not with the announced length', async t => {
  const before = process.memoryUsage().arrayBuffers
  const readers = Array.from({ length: 100 }, () => new FrameReader(new FrameLog(), 1 << 28))
  for (const reader of readers) {
    reader.read(frame(BINARY, 'x', { wide: 8, length: 1 << 28 }))
    reader.read(Buffer.alloc(100))
  }
  t.ok(process.memoryUsage().arrayBuffers - before < 1 << 20)
})

t.test('a reader that stops after each message reports one per resume, wherever the chunks are cut', async t => {
  const stream = Buffer.concat(session)
  for (let cut = 0; cut <= stream.length; cut++) {
    const log = new FrameLog()
    const reader = new FrameReader(log, LIMIT)
    log.afterMessage = () => { reader.stop() }
    const isMessage = (line: string) => /^(text|binary)/.test(line)
    const linesOf = (step: () => void): string[] => {
      const before = log.lines.length
      step()
      return log.lines.slice(before)
    }
    const advance = (step: () => void): void => {
      t.equal(linesOf(step).filter(isMessage).length, Number(reader.isStopped), `cut at ${cut}: messages in a step`)
    }
    advance(() => reader.read(Buffer.from(stream.subarray(0, cut))))
    const readRest = (): void => reader.read(Buffer.from(stream.subarray(cut)))
    if (reader.isStopped) t.same(linesOf(readRest), [], `cut at ${cut}: read while stopped`)
    else advance(readRest)
    while (reader.isStopped) advance(() => reader.resume())
    t.equal(log.lines.join(), said.join(), `cut at ${cut}`)
  }
})

t.test('a stopped reader buffers its input until it is resumed', async t => {
  const log = new FrameLog()
  const reader = new FrameReader(log, LIMIT)
  t.equal(reader.isStopped, false)

  reader.stop()
  for (const chunk of cutEvery(Buffer.concat(session), 7)) reader.read(Buffer.from(chunk))
  t.equal(reader.isStopped, true)
  t.same(log.lines, [])

  reader.resume()
  t.equal(reader.isStopped, false)
  t.same(log.lines, said)
})

t.test('a message may stop and resume its own reader', async t => {
  const log = new FrameLog()
  const reader = new FrameReader(log, LIMIT)
  log.afterMessage = () => {
    reader.stop()
    reader.resume()
  }
  for (const chunk of cutEvery(Buffer.concat(session), 50)) reader.read(Buffer.from(chunk))
  t.same(log.lines, said)
})

t.test('a stopped reader copies the input that it buffers, as the chunk may be overwritten', async t => {
  const log = new FrameLog()
  const reader = new FrameReader(log, LIMIT)
  log.afterMessage = () => { reader.stop() }
  const chunk = Buffer.concat([frame(TEXT, 'a'), frame(TEXT, 'b'), frame(TEXT, 'c')])

  reader.read(chunk)
  chunk.fill(0)
  reader.resume()
  reader.resume()
  t.same(log.lines, [textOf('a'), textOf('b'), textOf('c')])
})

t.test('more input may arrive between two stops', async t => {
  const log = new FrameLog()
  const reader = new FrameReader(log, LIMIT)
  log.afterMessage = () => { reader.stop() }
  for (let i = 0; i < 20; i++) {
    reader.read(Buffer.concat([frame(TEXT, `${i}`), frame(TEXT, `${i}!`)]))
    reader.resume()
  }
  while (reader.isStopped) reader.resume()
  t.same(log.lines, Array.from({ length: 20 }, (_, i) => [textOf(`${i}`), textOf(`${i}!`)]).flat())
})

t.test('after `end` nothing is reported: amid a chunk, amid a broken frame, amid fragments, while stopped', async t => {
  const log = new FrameLog()
  const amidChunk = new FrameReader(log, LIMIT)
  log.afterMessage = () => { amidChunk.end() }
  amidChunk.read(Buffer.concat([frame(TEXT, 'last'), frame(TEXT, 'never')]))
  amidChunk.read(frame(TEXT, 'never'))
  t.same(log.lines, [textOf('last')])

  const [head, tail] = [frame(TEXT, 'never').subarray(0, 4), frame(TEXT, 'never').subarray(4)]
  const nothing = new FrameLog()
  const amidFrame = new FrameReader(nothing, LIMIT)
  amidFrame.read(head)
  amidFrame.end()
  amidFrame.read(tail)

  const amidFragments = new FrameReader(nothing, LIMIT)
  amidFragments.read(frame(TEXT, 'ne', more))
  amidFragments.end()
  amidFragments.read(frame(CONTINUATION, 'ver'))

  const whileStopped = new FrameReader(nothing, LIMIT)
  whileStopped.stop()
  whileStopped.read(frame(TEXT, 'never'))
  whileStopped.end()
  whileStopped.read(frame(TEXT, 'never'))
  whileStopped.resume()
  t.same(nothing.lines, [])
})

t.test('a frame split across chunks can also end the reader', async t => {
  const log = new FrameLog()
  const reader = new FrameReader(log, LIMIT)
  log.afterMessage = () => { reader.end() }
  const stream = Buffer.concat([frame(TEXT, 'last'), frame(TEXT, 'never')])
  reader.read(Buffer.from(stream.subarray(0, 4)))
  reader.read(Buffer.from(stream.subarray(4)))
  t.same(log.lines, [textOf('last')])
})

t.test('pongs and fragments are reported, so that every frame can be counted', async t => {
  const log = new FrameLog()
  const frames = [
    frame(PONG, 'abc'), frame(TEXT, 'a', more), frame(CONTINUATION, '', more), frame(PONG), frame(CONTINUATION, 'b')
  ]
  new FrameReader(log, LIMIT).read(Buffer.concat(frames))
  t.same([log.lines, log.pongs, log.fragments], [[textOf('ab')], [3, 0], 2])
})

t.test('a stopped reader looks ahead: reports pings once, the end once it is complete, and loses nothing', async t => {
  let ended = 0
  const wrong: unknown[] = []
  for (let run = 0; run < scaled(3000); run++) {
    const random = new Random(seed + run)
    const stream = Buffer.concat(validFrames(random))
    const expected = read([stream])
    const log = new FrameLog()
    const reader = new FrameReader(log, LIMIT)
    log.afterMessage = () => { if (!random.oneIn(3)) reader.stop() }
    let sawEnd = false
    const lookAhead = (): void => {
      let seen = reader.lookAhead()
      while (seen === 'ping') seen = reader.lookAhead()
      sawEnd = seen === 'end'
    }
    for (const chunk of randomChunks(random, stream)) {
      reader.read(Buffer.from(chunk))
      if (reader.isStopped) lookAhead()
      if (reader.isStopped && random.oneIn(3)) reader.resume()
      if (reader.isStopped) lookAhead()
    }
    const ends = expected.some(isEnd)
    if (reader.isStopped && sawEnd) ended++
    if (reader.isStopped && sawEnd !== ends) wrong.push(`an end ${ends ? 'not seen' : 'seen'}, seed ${seed + run}`)
    while (reader.isStopped) reader.resume()
    for (const isOne of [isPing, (text: string) => !isPing(text)]) {
      if (log.lines.filter(isOne).join() !== expected.filter(isOne).join()) {
        wrong.push([log.lines, expected, `seed ${seed + run}`])
      }
    }
  }
  t.same(wrong, [])
  t.ok(ended > 0, `${ended} ends were seen ahead`)
})

const isPing = (text: string): boolean => text.startsWith('ping')
const isEnd = (text: string): boolean => text.startsWith('close') || text.startsWith('violation')

t.test('a ping that was reported ahead is not reported again when it is read, nor as a pong', async t => {
  const log = new FrameLog()
  const reader = new FrameReader(log, LIMIT)
  reader.stop()
  reader.read(Buffer.concat([frame(PONG, 'abc'), frame(PING, 'one'), frame(TEXT, 'a'), frame(PING, 'two')]))
  const pings = [pingOf('one'), pingOf('two')]
  for (const seen of ['ping', 'ping', undefined]) t.equal(reader.lookAhead(), seen)
  t.same(log.lines, pings)
  log.afterMessage = () => { reader.stop() }
  reader.resume()
  reader.read(Buffer.concat([frame(PING, 'three'), frame(TEXT, 'b')]))
  t.equal(reader.lookAhead(), 'ping')
  while (reader.isStopped) reader.resume()
  t.same(log.lines, [...pings, textOf('a'), pingOf('three'), textOf('b')])
  t.same(log.pongs, [3])
})

const wrongPings: Record<string, Buffer> = {
  'over 125 bytes': frame(PING, 'x'.repeat(200)),
  'with a longer form of its length': frame(PING, 'x', { wide: 2 }),
  fragmented: frame(PING, 'x', more),
  'with a reserved bit': frame(PING, 'x', { rsv: 4 }),
  unmasked: frame(PING, 'x', { mask: false })
}

for (const [what, bytes] of Object.entries(wrongPings)) {
  for (const inflate of [undefined, () => new Uint8Array(1)]) {
    const mode = inflate === undefined ? '' : ', with deflate'
    t.test(`a ping ${what} is not reported ahead, but ends the connection${mode}`, async t => {
      const log = new FrameLog()
      const reader = new FrameReader(log, LIMIT, inflate)
      reader.stop()
      reader.read(Buffer.concat([frame(TEXT, 'a'), bytes.subarray(0, 2)]))
      t.equal(reader.lookAhead(), 'end')
      reader.read(Buffer.from(bytes.subarray(2)))
      t.equal(reader.lookAhead(), 'end')
      t.same(log.lines, [])
      reader.resume()
      t.match(log.lines, [textOf('a'), /^violation 1002/])
    })
  }
}

t.test('a large message that is cut has memory of its own, which is no longer written to', async t => {
  const messages: Uint8Array[] = []
  const starts: number[] = []
  const log: FrameReceiver = Object.assign(new FrameLog(), {
    onMessage (bytes: Uint8Array, start: number, end: number) {
      if (end - start >= 4096) starts.push(start)
      messages.push(bytes.subarray(0, end))
    }
  })
  const reader = new FrameReader(log, 1 << 24)
  for (const size of [4096, 100_000, 3 << 20]) {
    const payload = Buffer.alloc(size, `${size} `)
    for (const chunk of cutEvery(frame(BINARY, payload), 60_000 / Math.ceil(60_000 / size))) reader.read(chunk)
    reader.read(frame(BINARY, Buffer.alloc(4000)).subarray(0, 3000))
    t.equal(reader.heldBytes, 3000)
    reader.read(frame(BINARY, Buffer.alloc(4000)).subarray(3000))
    messages.pop()
  }
  t.same(messages.map(bytes => Buffer.from(bytes).equals(Buffer.alloc(bytes.length, `${bytes.length} `))), [
    true, true, true
  ])
  t.same(starts, [0, 0, 0])
})

t.test('what has arrived of a large message counts as held while reading is stopped', async t => {
  const log = new FrameLog()
  const reader = new FrameReader(log, 1 << 20)
  const message = frame(BINARY, Buffer.alloc(20_000, 'x'))
  reader.read(message.subarray(0, 10_008))
  reader.stop()
  t.equal(reader.heldBytes, 10_000)
  reader.read(Buffer.concat([message.subarray(10_008), frame(PING, 'p')]))
  t.same(log.lines, [], 'it waits although it is complete')
  t.equal(reader.lookAhead(), 'ping', 'a ping behind it does not')
  t.same(log.lines, ['ping 70'])
  reader.resume()
  t.same(log.lines.slice(1), [line(BINARY, Buffer.alloc(20_000, 'x'))])
  t.equal(reader.heldBytes, 0)
})

t.test('fragments are joined without copying all of them for each, also beyond what they inflate to', async t => {
  const sets = t.capture(Uint8Array.prototype, 'set', Uint8Array.prototype.set)
  const limit = 1 << 16
  const log = new FrameLog()
  const reader = new FrameReader(log, limit, () => new Uint8Array(1))
  reader.read(frame(BINARY, Buffer.alloc(limit), { ...more, rsv: 4 }))
  for (let i = 0; i < 1000; i++) reader.read(frame(CONTINUATION, Buffer.of(1), more))
  t.same(log.lines.filter(line => line !== 'fragment'), [])
  const copied = sets().reduce((sum, { args: [source] }) => sum + source.length, 0)
  t.ok(copied > limit && copied < 4 * limit, `${copied} bytes`)
})
