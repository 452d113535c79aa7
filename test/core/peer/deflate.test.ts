import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import t from 'tap'
import { deflate, inflate } from '../../../src/core/peer/deflate.ts'
import { Random, scaled, seed } from '../../helper/random/random.ts'

const MAX = 1000

const good: Array<[what: string, hex: string, message: string]> = [
  ['one block (RFC 7692 section 7.2.3.1)', 'f248cdc9c90700', 'Hello'],
  ['a stored block (7.2.3.3)', '000500faff48656c6c6f00', 'Hello'],
  ['a final block (7.2.3.4)', 'f348cdc9c9070000', 'Hello'],
  ['a final block and nothing after it', 'f348cdc9c90700', 'Hello'],
  ['two blocks (7.2.3.5)', 'f248050000 00ffffcac9c90700', 'Hello'],
  ['an empty message (7.2.3.6)', '00', ''],
  ['zero bytes', '', '']
]

for (const [what, digits, message] of good) {
  t.test(`inflates ${what}`, async t => {
    t.equal(Buffer.from(inflate(bytesOf(digits), MAX) as Uint8Array).toString(), message)
  })
}

const bad: Array<[what: string, bytes: Uint8Array, code: number]> = [
  ['a reference to the previous message (7.2.3.2)', bytesOf('f200110000'), 1007],
  ['bytes that are not DEFLATE', Buffer.alloc(20, 0xff), 1007],
  ['a block of a reserved type', bytesOf('06'), 1007],
  ['a truncated message', deflate(Buffer.from('The quick brown fox jumps over the lazy dog. '.repeat(20)))
    .subarray(0, 40), 1007],
  ['a truncated stored block', bytesOf('000500faff4865'), 1007],
  ['bytes after the final block', Buffer.concat([deflateRawSync('first'), bytesOf('ffffffff')]), 1007],
  ['a second message after the final block', Buffer.concat([
    deflateRawSync('first'), deflate(Buffer.from('second'))
  ]), 1007],
  ['a message one byte over the limit', deflate(Buffer.alloc(MAX + 1)), 1009],
  ['a bomb', deflate(Buffer.alloc(50_000_000)), 1009]
]

for (const [what, bytes, code] of bad) {
  t.test(`rejects ${what} with ${code}`, async t => {
    t.equal(inflate(bytes, MAX), code)
  })
}

t.test('inflates messages of every compression level, up to the largest allowed size', async t => {
  for (let level = 0; level <= 9; level++) {
    const message = Buffer.alloc(MAX, 'some of this, some of that; ')
    const compressed = deflateRawSync(message, { level, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
    t.ok(message.equals(inflate(compressed, MAX) as Uint8Array), `level ${level}`)
  }
})

t.test('random bytes give a message of an allowed size or one of two close codes', async t => {
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

t.test('compresses with the window size of the client', async t => {
  const random = new Random(seed)
  // Repeats itself after 4 KiB, which is farther back than windows of 9 to 11 bits reach.
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
