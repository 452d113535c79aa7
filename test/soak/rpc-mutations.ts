/**
 * Decodes `count` mutated and random RPC packets and prints figures. Any error other than a GodotError ends the script
 * and is reported with the seed and the bytes.
 *
 *   npx tsx test/soak/rpc-mutations.ts [count, default 10000000]
 */
import { GodotError } from '../../src/error.ts'
import { Random, seed } from '../helper/random/random.ts'
import { mutated } from '../helper/random/mutation.ts'
import { bytesOf, hexOf, readVectors } from '../helper/random/variant-vectors.ts'
import { decodeWholeRpcPacket } from '../helper/godot/rpc-packets.ts'

const count = Number(process.argv[2] ?? 10_000_000)
const { steps } = readVectors<{ steps: Array<{ frames: Array<{ hex?: string }> }> }>('rpc')
const captures = steps.flatMap(({ frames }) => frames)
  .flatMap(({ hex = '' }) => hex.startsWith('00') && hex.length > 18 ? [hex.slice(18)] : [])
const seeds = [...new Set(captures)].map(bytesOf)

/** Whether the bytes decode; rethrows any error other than a GodotError. */
function decodes (bytes: Uint8Array): boolean {
  try {
    decodeWholeRpcPacket(bytes)
    return true
  } catch (error) {
    if (error instanceof GodotError) return false
    throw new Error(`SEED=${seed} ${hexOf(bytes)}`, { cause: error })
  }
}

/** Decoding time in milliseconds: the best of several attempts for a slow packet, as other load can delay it. */
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
console.log(`SEED=${seed}: ${count} mutated packets, each twice, in ${seconds.toFixed(0)} s: ` +
  `${packets} decoded, ${count - packets} rejected`)
console.log(`no other error; the slowest took ${longest.toFixed(2)} ms`)
