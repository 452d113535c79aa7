import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import t from 'tap'
import { deflate, inflate } from '../../../src/core/peer/deflate.ts'
import { Random, scaled, seed } from '../../helper/random.ts'

const MAX = 1000

const good: Array<[what: string, hex: string, message: string]> = [
  ['one block (RFC 7692 section 7.2.3.1)', 'f248cdc9c90700', 'Hello'],
  ['a block that is not compressed (7.2.3.3)', '000500faff48656c6c6f00', 'Hello'],
  ['a final block (7.2.3.4)', 'f348cdc9c9070000', 'Hello'],
  ['a final block and nothing behind it', 'f348cdc9c90700', 'Hello'],
  ['two blocks (7.2.3.5)', 'f248050000 00ffffcac9c90700', 'Hello'],
  ['an empty message (7.2.3.6)', '00', ''],
  ['no byte at all', '', '']
]

for (const [what, digits, message] of good) {
  t.test(`${what} is read`, async t => {
    t.equal(Buffer.from(inflate(bytesOf(digits), MAX) as Uint8Array).toString(), message)
  })
}

const bad: Array<[what: string, bytes: Uint8Array, code: number]> = [
  ['what refers to the message before (7.2.3.2)', bytesOf('f200110000'), 1007],
  ['no compressed bytes', Buffer.alloc(20, 0xff), 1007],
  ['a block of no known kind', bytesOf('06'), 1007],
  ['a message cut short', deflate(Buffer.from('The quick brown fox jumps over the lazy dog. '.repeat(20)))
    .subarray(0, 40), 1007],
  ['a block cut short that is not compressed', bytesOf('000500faff4865'), 1007],
  ['bytes behind the final block', Buffer.concat([deflateRawSync('first'), bytesOf('ffffffff')]), 1007],
  ['a second message behind the final block', Buffer.concat([
    deflateRawSync('first'), deflate(Buffer.from('second'))
  ]), 1007],
  ['a byte too many', deflate(Buffer.alloc(MAX + 1)), 1009],
  ['a bomb', deflate(Buffer.alloc(50_000_000)), 1009]
]

for (const [what, bytes, code] of bad) {
  t.test(`${what} ends with ${code}`, async t => {
    t.equal(inflate(bytes, MAX), code)
  })
}

t.test('what is compressed at every level comes back, up to the last byte that is allowed', async t => {
  for (let level = 0; level <= 9; level++) {
    const message = Buffer.alloc(MAX, 'some of this, some of that; ')
    const compressed = deflateRawSync(message, { level, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
    t.ok(message.equals(inflate(compressed, MAX) as Uint8Array), `level ${level}`)
  }
})

t.test('whatever comes is a message of the size allowed, or one of two codes', async t => {
  const whole = deflate(Buffer.from('The quick brown fox jumps over the lazy dog. '.repeat(20)))
  const random = new Random(seed)
  const outcomes = new Set<number | 'message'>()
  for (let at = 0; at < scaled(2000); at++) {
    const bent = Buffer.from(whole)
    bent[random.below(bent.length)] ^= 1 << random.below(8)
    const result = inflate(random.oneIn(2) ? bent : random.bytes(random.below(200)), MAX)
    if (typeof result !== 'number' && result.length > MAX) t.fail(`${result.length} bytes, seed ${seed}`)
    outcomes.add(typeof result === 'number' ? result : 'message')
  }
  outcomes.delete(1009)
  t.same([...outcomes].sort(), [1007, 'message'], `seed ${seed}`)
})

function bytesOf (digits: string): Buffer {
  return Buffer.from(digits.replaceAll(' ', ''), 'hex')
}

t.test('what is compressed with a smaller window is read by a client that has no larger one', async t => {
  const random = new Random(seed)
  // Repeats itself after 4 KiB: farther back than the windows of 9 to 11 bits.
  const part = random.bytes(4096)
  const message = Buffer.concat(Array.from({ length: 4 }, () => part))
  for (let windowBits = 9; windowBits <= 15; windowBits++) {
    const compressed = Buffer.concat([deflate(message, windowBits), Buffer.of(0x00, 0x00, 0xff, 0xff)])
    t.ok(message.equals(inflateRawSync(compressed, {
      windowBits,
      chunkSize: 64,
      finishFlush: constants.Z_SYNC_FLUSH
    })), `${windowBits} bits`)
  }
  const tooFar = Buffer.concat([deflate(message), Buffer.of(0x00, 0x00, 0xff, 0xff)])
  t.throws(() => inflateRawSync(tooFar, {
    windowBits: 9,
    chunkSize: 64,
    finishFlush: constants.Z_SYNC_FLUSH
  }), /too far back/, 'the test can fail')
})
