/**
 * Feeds mutated and random RPC packets to the decoder until `count` are through, and says how it
 * went; anything but a packet or a GodotError ends it, with the seed and the bytes.
 *
 *   npx tsx test/soak/rpc-mutations.ts [count, 10000000]
 */
import { GodotError } from '../../src/error.ts'
import { Random, seed } from '../helper/random.ts'
import { mutated } from '../helper/mutation.ts'
import { bytesOf, hexOf, readVectors } from '../helper/variant-vectors.ts'
import { decodeWholeRpcPacket } from '../helper/rpc-packets.ts'

const count = Number(process.argv[2] ?? 10_000_000)
const { steps } = readVectors<{ steps: Array<{ frames: Array<{ hex?: string }> }> }>('rpc')
const captures = steps.flatMap(({ frames }) => frames)
  .flatMap(({ hex = '' }) => hex.startsWith('00') && hex.length > 18 ? [hex.slice(18)] : [])
const seeds = [...new Set(captures)].map(bytesOf)

/** Whether it decodes; anything but a packet or a GodotError is thrown on. */
function decodes (bytes: Uint8Array): boolean {
  try {
    decodeWholeRpcPacket(bytes)
    return true
  } catch (error) {
    if (error instanceof GodotError) return false
    throw new Error(`SEED=${seed} ${hexOf(bytes)}`, { cause: error })
  }
}

/**
 * Milliseconds the decoder needs: a slow packet gets more tries, as it is mostly something else that takes the time.
 */
function timed (bytes: Uint8Array, tries: number): number {
  const start = performance.now()
  decodes(bytes)
  const milliseconds = performance.now() - start
  return milliseconds < 0.5 || tries === 1 ? milliseconds : Math.min(milliseconds, timed(bytes, tries - 1))
}

const random = new Random(seed)
const began = performance.now()
let [packets, longest] = [0, 0]
for (let i = 0; i < count; i++) {
  const bytes = random.oneIn(4) ? random.bytes(random.below(60)) : mutated(random, seeds)
  packets += Number(decodes(bytes))
  longest = Math.max(longest, timed(bytes, 5))
}
const seconds = (performance.now() - began) / 1000
console.log(`SEED=${seed}: ${count} mutated packets, each twice, in ${seconds.toFixed(0)} s: ${packets} ` +
  `decoded, ${count - packets} refused,`)
console.log(`no other exception; the one that took longest took ${longest.toFixed(2)} ms`)
