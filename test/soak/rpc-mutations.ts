/**
 * Feeds mutated and random RPC packets to the decoder until `count` are through, and says how it
 * went; anything but a packet or a GodotError ends it, with the seed and the bytes.
 *
 *   npx tsx test/soak/rpc-mutations.ts [count, 10000000]
 */
import { GodotError } from '../../src/error.ts'
import { decodeRpcPacket } from '../../src/protocol/rpc-packet.ts'
import { Dice, seed } from '../helper/dice.ts'
import { mutated } from '../helper/mutation.ts'
import { bytesOf, hexOf, readVectors } from '../helper/variant-vectors.ts'

const count = Number(process.argv[2] ?? 10_000_000)
const { steps } = readVectors<{ steps: Array<{ frames: Array<{ hex?: string }> }> }>('rpc')
const captures = steps.flatMap(({ frames }) => frames).flatMap(({ hex = '' }) => hex.startsWith('00') && hex.length > 18 ? [hex.slice(18)] : [])
const seeds = [...new Set(captures)].map(bytesOf)

/** Milliseconds the decoder took; anything but a packet or a GodotError is thrown on. */
function decodeTimed (bytes: Uint8Array): { milliseconds: number, isPacket: boolean } {
  const start = performance.now()
  try {
    decodeRpcPacket(bytes)
    return { milliseconds: performance.now() - start, isPacket: true }
  } catch (error) {
    if (!(error instanceof GodotError)) throw new Error(`SEED=${seed} ${hexOf(bytes)}`, { cause: error })
    return { milliseconds: performance.now() - start, isPacket: false }
  }
}

const dice = new Dice(seed)
const began = performance.now()
let [packets, decoding, longest] = [0, 0, 0]
for (let i = 0; i < count; i++) {
  const { milliseconds, isPacket } = decodeTimed(dice.once(4) ? dice.bytes(dice.below(60)) : mutated(dice, seeds))
  packets += Number(isPacket)
  decoding += milliseconds
  longest = Math.max(longest, milliseconds)
}
const seconds = (performance.now() - began) / 1000
console.log(`SEED=${seed}: ${count} mutated packets in ${seconds.toFixed(0)} s, ${packets} decoded, ${count - packets} refused, no other exception;`)
console.log(`in the decoder ${(decoding / 1000).toFixed(0)} s, the longest took ${longest.toFixed(2)} ms, with whatever the machine did meanwhile`)
