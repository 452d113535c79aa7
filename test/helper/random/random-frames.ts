import { opcode } from '../../../src/protocol/websocket/frame.ts'
import type { Random } from './random.ts'
import { closePayload, frame, type FrameBits } from '../sockets/raw-frame.ts'

const { CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG } = opcode
const SIZES = [0, 1, 2, 3, 7, 13, 20, 40, 63, 64, 65, 124, 125, 126, 127, 128, 300]
const CODE_POINTS = [[0, 0x7f], [0x80, 0x7ff], [0x800, 0xd7ff], [0xe000, 0xffff], [0x10000, 0x10ffff]]
const CLOSE_CODES = [0, 999, 1000, 1001, 1004, 1005, 1006, 1010, 1014, 1015, 2999, 3000, 4999, 5000]

/** Bytes of a client: valid frames, corrupted frames, or frames with random headers. */
export function randomStream (random: Random): Buffer {
  const kind = random.below(4)
  if (kind === 0) return randomFrames(random)
  const valid = Buffer.concat(validFrames(random))
  return kind === 1 ? corrupted(random, valid) : valid
}

/** Frames of a valid client; three in four sequences end with a close frame. */
export function validFrames (random: Random): Buffer[] {
  const frames: Buffer[] = []
  for (let i = random.below(8); i > 0; i--) {
    frames.push(...(random.oneIn(4) ? [controlFrame(random)] : messageFrames(random)))
  }
  if (!random.oneIn(4)) frames.push(closeFrame(random))
  return frames
}

/** A copy with a few bytes changed, removed or inserted. */
export function corrupted (random: Random, bytes: Buffer): Buffer {
  const list = [...bytes]
  for (let i = 1 + random.below(3); i > 0; i--) {
    const at = random.below(list.length + 1)
    const change = random.below(4)
    if (change === 0) list[at] ^= 1 << random.below(8)
    else if (change === 1) list.splice(at, 1 + random.below(3))
    else if (change === 2) list.splice(at, 0, ...random.bytes(1 + random.below(3)))
    else list[at] = random.below(256)
  }
  return Buffer.from(list)
}

/** Frames with random fields, biased towards valid values. */
export function randomFrames (random: Random): Buffer {
  return Buffer.concat(Array.from({ length: 1 + random.below(8) }, () => {
    const code =
      random.oneIn(16) ? random.below(16) : random.pick([CONTINUATION, TEXT, TEXT, BINARY, PING, PONG, CLOSE])
    const payload = code === CLOSE
      ? random.pick([closePayload(random.pick(CLOSE_CODES)), random.bytes(random.below(5))])
      : random.bytes(random.pick(SIZES) >> random.below(3))
    const announced = random.oneIn(20) ? { length: random.below(120), wide: undefined } : {}
    return frame(code, payload, {
      ...bits(random, payload.length),
      fin: !random.oneIn(4),
      rsv: random.oneIn(30) ? random.below(8) : 0,
      mask: !random.oneIn(30),
      ...announced
    })
  }))
}

/** Splits bytes into chunks: a single one, one per byte unless there are too many, or of random sizes. */
export function randomChunks (random: Random, bytes: Buffer): Buffer[] {
  const longest =
    random.pick(bytes.length < 10_000 ? [1, 5, 50, bytes.length + 1] : [bytes.length >> 4, bytes.length + 1])
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const size = 1 + random.below(longest)
    chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  return chunks
}

/** A message in one to four frames with interleaved control frames; text may be split within a character. */
function messageFrames (random: Random): Buffer[] {
  const isText = random.oneIn(2)
  const payload = isText ? Buffer.from(randomText(random)) : random.bytes(random.pick(SIZES))
  const cuts = Array.from({ length: random.oneIn(2) ? 0 : random.below(4) }, () => random.below(payload.length + 1))
    .sort((a, b) => a - b)
  const ends = [...cuts, payload.length]
  return ends.flatMap((end, at) => {
    const part = payload.subarray(ends[at - 1] ?? 0, end)
    const code = at > 0 ? CONTINUATION : isText ? TEXT : BINARY
    const data = frame(code, part, { ...bits(random, part.length), fin: at === ends.length - 1 })
    return random.oneIn(6) ? [data, ...(at < ends.length - 1 ? [controlFrame(random)] : [])] : [data]
  })
}

function controlFrame (random: Random): Buffer {
  const payload = random.bytes(Math.min(125, random.pick(SIZES)))
  return frame(random.oneIn(3) ? PONG : PING, payload, { key: random.bytes(4) })
}

function closeFrame (random: Random): Buffer {
  const code = random.oneIn(6) ? random.pick(CLOSE_CODES) : random.pick([1000, 1001, 1011, 3000, 4008])
  const payload = random.oneIn(5) ? '' : closePayload(code, randomText(random).slice(0, 20))
  return frame(CLOSE, payload, { key: random.bytes(4) })
}

/** A random key, and sometimes a longer length field than necessary. */
function bits (random: Random, size: number): FrameBits {
  const wide = random.oneIn(20) ? 8 : random.oneIn(20) ? 2 : undefined
  return { key: random.bytes(4), wide: wide === 2 && size > 65535 ? 8 : wide }
}

function randomText (random: Random): string {
  const points = Array.from({ length: random.pick(SIZES) >> 1 }, () => {
    const [first, last] = random.oneIn(2) ? CODE_POINTS[0] : random.pick(CODE_POINTS)
    return first + random.below(last - first + 1)
  })
  return String.fromCodePoint(...points)
}
