import { opcode } from '../../src/protocol/websocket/frame.ts'
import type { Dice } from './dice.ts'
import { closePayload, frame, type FrameBits } from './raw-frame.ts'

const { CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG } = opcode
const SIZES = [0, 1, 2, 3, 7, 13, 20, 40, 63, 64, 65, 124, 125, 126, 127, 128, 300]
const CODE_POINTS = [[0, 0x7f], [0x80, 0x7ff], [0x800, 0xd7ff], [0xe000, 0xffff], [0x10000, 0x10ffff]]
const CLOSE_CODES = [0, 999, 1000, 1001, 1004, 1005, 1006, 1010, 1014, 1015, 2999, 3000, 4999, 5000]

/** A client's bytes: what a good client sends, the same with bytes bent, or frames with any head. */
export function randomStream (dice: Dice): Buffer {
  const kind = dice.below(4)
  if (kind === 0) return randomFrames(dice)
  const good = Buffer.concat(goodFrames(dice))
  return kind === 1 ? bent(dice, good) : good
}

/** The frames of a client that keeps the rules, in three cases of four up to its close. */
export function goodFrames (dice: Dice): Buffer[] {
  const frames: Buffer[] = []
  for (let i = dice.below(8); i > 0; i--) frames.push(...(dice.once(4) ? [controlFrame(dice)] : messageFrames(dice)))
  if (!dice.once(4)) frames.push(closeFrame(dice))
  return frames
}

/** The same bytes with a few changed, left out, put in or cut off. */
export function bent (dice: Dice, bytes: Buffer): Buffer {
  const list = [...bytes]
  for (let i = 1 + dice.below(3); i > 0; i--) {
    const at = dice.below(list.length + 1)
    const how = dice.below(4)
    if (how === 0) list[at] ^= 1 << dice.below(8)
    else if (how === 1) list.splice(at, 1 + dice.below(3))
    else if (how === 2) list.splice(at, 0, ...dice.bytes(1 + dice.below(3)))
    else list[at] = dice.below(256)
  }
  return Buffer.from(list)
}

/** Frames whose every field is thrown, with a bias to what is allowed. */
export function randomFrames (dice: Dice): Buffer {
  return Buffer.concat(Array.from({ length: 1 + dice.below(8) }, () => {
    const code = dice.once(16) ? dice.below(16) : dice.pick([CONTINUATION, TEXT, TEXT, BINARY, PING, PONG, CLOSE])
    const payload = code === CLOSE ? dice.pick([closePayload(dice.pick(CLOSE_CODES)), dice.bytes(dice.below(5))]) : dice.bytes(dice.pick(SIZES) >> dice.below(3))
    const announced = dice.once(20) ? { length: dice.below(120), wide: undefined } : {}
    return frame(code, payload, { ...bits(dice, payload.length), fin: !dice.once(4), rsv: dice.once(30) ? dice.below(8) : 0, mask: !dice.once(30), ...announced })
  }))
}

/** The same bytes in chunks: one, a byte each unless they are many, or cut anywhere. */
export function cut (dice: Dice, bytes: Buffer): Buffer[] {
  const longest = dice.pick(bytes.length < 10_000 ? [1, 5, 50, bytes.length + 1] : [bytes.length >> 4, bytes.length + 1])
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const size = 1 + dice.below(longest)
    chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  return chunks
}

/** A message in one to four frames, control frames among them; the text may be cut amid a character. */
function messageFrames (dice: Dice): Buffer[] {
  const isText = dice.once(2)
  const payload = isText ? Buffer.from(randomText(dice)) : dice.bytes(dice.pick(SIZES))
  const cuts = Array.from({ length: dice.once(2) ? 0 : dice.below(4) }, () => dice.below(payload.length + 1)).sort((a, b) => a - b)
  const ends = [...cuts, payload.length]
  return ends.flatMap((end, at) => {
    const part = payload.subarray(ends[at - 1] ?? 0, end)
    const code = at > 0 ? CONTINUATION : isText ? TEXT : BINARY
    const data = frame(code, part, { ...bits(dice, part.length), fin: at === ends.length - 1 })
    return dice.once(6) ? [data, ...(at < ends.length - 1 ? [controlFrame(dice)] : [])] : [data]
  })
}

function controlFrame (dice: Dice): Buffer {
  const payload = dice.bytes(Math.min(125, dice.pick(SIZES)))
  return frame(dice.once(3) ? PONG : PING, payload, { key: dice.bytes(4) })
}

function closeFrame (dice: Dice): Buffer {
  const code = dice.once(6) ? dice.pick(CLOSE_CODES) : dice.pick([1000, 1001, 1011, 3000, 4008])
  const payload = dice.once(5) ? '' : closePayload(code, randomText(dice).slice(0, 20))
  return frame(CLOSE, payload, { key: dice.bytes(4) })
}

/** A random key, and sometimes a length form longer than needed. */
function bits (dice: Dice, size: number): FrameBits {
  const wide = dice.once(20) ? 8 : dice.once(20) ? 2 : undefined
  return { key: dice.bytes(4), wide: wide === 2 && size > 65535 ? 8 : wide }
}

function randomText (dice: Dice): string {
  const points = Array.from({ length: dice.pick(SIZES) >> 1 }, () => {
    const [first, last] = dice.once(2) ? CODE_POINTS[0] : dice.pick(CODE_POINTS)
    return first + dice.below(last - first + 1)
  })
  return String.fromCodePoint(...points)
}
