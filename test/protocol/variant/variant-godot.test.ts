import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import * as types from '../../../src/protocol/variant/variant-types.ts'
import type { Variant } from '../../../src/protocol/variant/variant-types.ts'
import { decodeVariant, encodeVariant } from '../../../src/protocol/variant/variant.ts'
import { Random, scaled, seed } from '../../helper/random/random.ts'
import { startGodot } from '../../helper/godot/godot.ts'
import { skipWithout } from '../../helper/programs/skip-without.ts'
import { randomVariant } from '../../helper/random/random-variant.ts'
import { hexOf } from '../../helper/random/variant-vectors.ts'
import { temporaryFolder } from '../../helper/temporary-folder.ts'

const godot = skipWithout('godot3-server')

/** Whether `value` contains node paths, whose padding Godot 3 does not clear. */
function hasNodePath (value: Variant): boolean {
  if (value instanceof Map) return [...value].flat().some(hasNodePath)
  return Array.isArray(value) ? value.some(hasNodePath) : value instanceof types.NodePath
}

t.test('random values of all types survive a real Godot and back', godot, async t => {
  const home = temporaryFolder(t)
  const [from, to] = [join(home, 'from'), join(home, 'to')]
  const random = new Random(seed)
  const values = Array.from({ length: scaled(4000) }, () => randomVariant(random))
  const ours = values.map(value => encodeVariant(value))
  await writeFile(from, encodeVariant(ours))

  const client = await startGodot(t, 'variant')
  t.equal(await client.run('rewrite', { from, to }), values.length)
  t.same(client.errors.filter(line => line.includes('ERROR')), [])

  const theirs = decodeVariant(await readFile(to)) as Uint8Array[]
  const changed = [...theirs.entries()].filter(([index, bytes]) => {
    const read = decodeVariant(bytes)
    // Node paths are compared by our encoding.
    const hex = hexOf(hasNodePath(read) ? encodeVariant(read) : bytes)
    return !isDeepStrictEqual(read, values[index]) || hex !== hexOf(ours[index])
  })
  t.same(changed.map(([index, bytes]) => [hexOf(ours[index]), hexOf(bytes)]), [], `SEED=${seed}`)
})

t.test('Godot keeps the id of an unknown object', godot, async t => {
  const client = await startGodot(t, 'variant')
  t.equal(await client.run('object_id', { bytes: encodeVariant(new types.EncodedObjectAsID(1234n)) }), '1234')
})

t.test('Godot decodes the intended types and values', godot, async t => {
  const client = await startGodot(t, 'variant')
  const seen: Array<[value: Variant, type: number, text: string]> = [
    [3, 2, '3'],
    [types.float(3), 3, '3'],
    [-0, 3, '-0'],
    [2n ** 63n - 1n, 2, '9223372036854775807'],
    [new types.Vector2(1, -2.5), 5, '(1, -2.5)'],
    [new types.Transform2D(
      new types.Vector2(1, 2), new types.Vector2(3, 4), new types.Vector2(5, 6)
    ), 8, '((1, 2), (3, 4), (5, 6))'],
    [new types.Color(1, 0.5, 0.25, 1), 14, '1,0.5,0.25,1'],
    [new types.NodePath('/root/Main:position:x'), 15, '/root/Main:position:x'],
    [{ hp: 100 }, 18, '{hp:100}'],
    ['Añejo 日本', 4, 'Añejo 日本']
  ]
  for (const [value, type, text] of seen) {
    t.strictSame(await client.run('describe', { bytes: encodeVariant(value) }), [type, text], text)
  }
})

t.test('a full object survives a round trip', godot, async t => {
  const client = await startGodot(t, 'variant')
  const bytes = Buffer.from(await client.run('full_object', { class: 'Gradient' }), 'base64')
  const object = decodeVariant(bytes, { allowObjects: true }) as types.EncodedObject
  t.equal(object.className, 'Gradient')
  t.ok(object.properties.get('colors') instanceof types.PoolColorArray)
  t.equal(hexOf(encodeVariant(object, { allowObjects: true })), hexOf(bytes))
  t.equal(await client.run('rewrite_object', { bytes }), bytes.toString('base64'))
})
