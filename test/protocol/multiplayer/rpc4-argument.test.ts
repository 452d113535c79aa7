import t from 'tap'
import { GodotError } from '../../../src/error.ts'
import { readRpcArgument, writeRpcArgument } from '../../../src/protocol/multiplayer/rpc4-argument.ts'
import { variant4 } from '../../../src/protocol/variant/variant4.ts'
import { Random, scaled, seed } from '../../helper/random/random.ts'
import { bytesOf, hexOf, readVectors } from '../../helper/random/variant-vectors.ts'
import type { Vector } from '../../helper/random/variant-vectors.ts'

const vectors = readVectors<Vector[]>('godot4-variant')

t.test('decodes and encodes every value recorded from Godot 4 as an argument of an RPC', async t => {
  t.equal(vectors.filter(({ rpc }) => rpc !== undefined).length, 181)
  for (const { rpc = '', rpc_raw: isBare, name, hex } of vectors) {
    const value = variant4.decode(bytesOf(hex))
    if (isBare) t.equal(hexOf(value as Uint8Array), rpc, name)
    else {
      t.strictSame(variant4.parse(readRpcArgument, bytesOf(rpc)), value, name)
      t.equal(hexOf(variant4.build(writeRpcArgument, value)), rpc, name)
    }
  }
})

t.test('accepts overlong forms of an int, but not size bits of other types', async t => {
  for (const hex of ['0205', '420500', '8205000000', 'c20500000000000000']) {
    t.equal(variant4.parse(readRpcArgument, bytesOf(hex)), 5, hex)
  }
  t.equal(variant4.parse(readRpcArgument, bytesOf('c2ffffffffffffff7f')), 2n ** 63n - 1n)
  for (const hex of ['', '42', '8205', '40000000', '4400000000000000', 'c5000000', '3f000000']) {
    t.throws(() => variant4.parse(readRpcArgument, bytesOf(hex)), { code: 'ERR_INVALID_DATA' }, hex)
  }
  t.throws(() => variant4.build(writeRpcArgument, 2n ** 63n), { code: 'ERR_INVALID_PARAMETER' })
})

t.test('random bytes give an argument or a GodotError', async t => {
  const random = new Random(seed)
  for (let i = 0; i < scaled(5000); i++) {
    const bytes = random.bytes(random.below(30))
    try {
      variant4.build(writeRpcArgument, variant4.parse(readRpcArgument, bytes))
    } catch (error) {
      if (!(error instanceof GodotError)) throw new Error(`SEED=${seed} ${hexOf(bytes)}`, { cause: error })
    }
  }
})
