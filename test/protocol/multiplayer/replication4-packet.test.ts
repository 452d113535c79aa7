import t from 'tap'
import { GodotError } from '../../../src/error.ts'
import { decodeSyncs, encodeDeltas, encodeSyncs } from '../../../src/protocol/multiplayer/replication4-packet.ts'
import { Random, scaled, seed } from '../../helper/random.ts'
import { bytesOf, readVectors } from '../../helper/variant-vectors.ts'

const { replication } = readVectors<{
  replication: Array<{ steps: Array<{ frames: Array<{ hex?: string }> }> }>
}>('godot4-rpc')
const recorded = replication.flatMap(({ steps }) => steps).flatMap(({ frames }) => frames)
  .flatMap(({ hex = '' }) => /^[01]6/.test(hex) ? [hex] : [])

t.test('decodes and encodes every sync that real Godot 4 processes sent', async t => {
  t.ok(recorded.length > 0)
  for (const hex of recorded) {
    const bytes = bytesOf(hex)
    const syncs = decodeSyncs(bytes)
    const packets = bytes[0] === 6 ? encodeSyncs(bytes[1] | bytes[2] << 8, syncs) : encodeDeltas(syncs)
    t.same(packets.map(packet => Buffer.from(packet).toString('hex')), [hex])
  }
})

t.test('mutated syncs decode, or throw GodotError', async t => {
  const random = new Random(seed)
  const failures: unknown[] = []
  for (let i = 0; i < scaled(2000); i++) {
    const bytes = Buffer.from(bytesOf(random.pick(recorded)))
    bytes[random.below(bytes.length)] = random.below(256)
    try {
      decodeSyncs(bytes.subarray(0, 1 + random.below(bytes.length)))
    } catch (error) {
      if (!(error instanceof GodotError)) failures.push(error)
    }
  }
  t.same(failures, [], `seed ${seed}`)
})
