import type { Dice } from './dice.ts'

const words = [0, 1, 4, 0x7fffffff, 0x80000000, 0xffffffff, 0x10000, 0x80000001, 0x40000000]

/** The ways in which bytes come to harm; each changes at least one place. */
const harms: Array<(bytes: Buffer, dice: Dice) => Buffer> = [
  (bytes, dice) => bytes.subarray(0, dice.below(bytes.length + 1)),
  (bytes, dice) => { bytes[dice.below(bytes.length)] = dice.word(); return bytes },
  (bytes, dice) => { bytes[dice.below(bytes.length)] ^= 1 << dice.below(8); return bytes },
  (bytes, dice) => { if (bytes.length >= 4) bytes.writeUInt32LE(dice.pick(words), dice.below(bytes.length - 3)); return bytes },
  (bytes, dice) => Buffer.concat([bytes, dice.bytes(dice.below(9))]),
  (bytes, dice) => { const at = dice.below(bytes.length); return Buffer.concat([bytes.subarray(0, at), dice.bytes(1 + dice.below(5)), bytes.subarray(at)]) },
  (bytes, dice) => { const at = dice.below(bytes.length); return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + dice.below(8))]) },
  (bytes, dice) => { const [from, to] = [dice.below(bytes.length), dice.below(bytes.length)]; bytes.copyWithin(to, from, from + dice.below(16)); return bytes }
]

/** A copy of one of `seeds`, harmed in one to four places. */
export function mutated (dice: Dice, seeds: readonly Uint8Array[]): Buffer {
  let bytes = Buffer.from(dice.pick(seeds))
  for (let left = 1 + dice.below(4); left > 0 && bytes.length > 0; left--) bytes = Buffer.from(dice.pick(harms)(bytes, dice))
  return bytes
}
