import t from 'tap'
import { GodotError } from '../../../src/error.ts'
import {
  decodeDespawn, decodeSpawn, decodeSyncs, encodeDeltas, encodeDespawn, encodeSpawn, encodeSyncs
} from '../../../src/protocol/multiplayer/replication4-packet.ts'
import { variant4 } from '../../../src/protocol/variant/variant4.ts'
import { mutated } from '../../helper/random/mutation.ts'
import { Random, scaled, seed } from '../../helper/random/random.ts'
import { bytesOf, readVectors } from '../../helper/random/variant-vectors.ts'

const { replication } = readVectors<{
  replication: Array<{ steps: Array<{ frames: Array<{ hex?: string }> }> }>
}>('godot4-rpc')
const frames = replication.flatMap(({ steps }) => steps).flatMap(({ frames }) => frames).map(({ hex = '' }) => hex)
const recorded = frames.filter(hex => /^[01]6/.test(hex))
const spawns = frames.filter(hex => hex.startsWith('04'))
const despawns = frames.filter(hex => hex.startsWith('05'))
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

t.test('decodes and encodes every sync that real Godot 4 processes sent', async t => {
  t.ok(recorded.length > 0)
  for (const hex of recorded) {
    const bytes = bytesOf(hex)
    const syncs = decodeSyncs(bytes)
    const packets = bytes[0] === 6 ? encodeSyncs(bytes[1] | bytes[2] << 8, syncs) : encodeDeltas(syncs)
    t.same(packets.map(hexOf), [hex])
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

t.test('decodes and encodes every spawn and despawn that real Godot 4 processes sent', async t => {
  t.ok(spawns.length > 1 && despawns.length > 1)
  for (const hex of spawns) t.equal(hexOf(encodeSpawn(variant4, decodeSpawn(variant4, bytesOf(hex)))), hex)
  for (const hex of despawns) t.equal(hexOf(encodeDespawn(decodeDespawn(bytesOf(hex)))), hex)
  const scene = { spawner: 7, node: 8, synchronizers: [9, 10], name: 'Ölfaß', what: { scene: 254 } } as const
  const encoded = encodeSpawn(variant4, { ...scene, values: [Buffer.of(1)] })
  const { values: [values], ...spawn } = decodeSpawn(variant4, encoded)
  t.same([spawn, hexOf(values)], [scene, '01'])
  const longer = bytesOf('04ff' + '01000000' + '01000000' + '00000000' + '03000000' + '583500' + '03000000' + '0205ff')
  t.throws(() => decodeSpawn(variant4, longer), { code: 'ERR_INVALID_DATA', message: /^bytes after the custom value/ })
})

t.test('mutated spawns and despawns decode, or throw GodotError', async t => {
  const random = new Random(seed)
  const failures: unknown[] = []
  const seeds = [...spawns, ...despawns].map(bytesOf)
  for (let i = 0; i < scaled(4000); i++) {
    const bytes = mutated(random, seeds)
    try {
      if (bytes[0] === 5) decodeDespawn(bytes)
      else decodeSpawn(variant4, bytes)
    } catch (error) {
      if (!(error instanceof GodotError)) failures.push(error)
    }
  }
  t.same(failures, [], `seed ${seed}`)
})
