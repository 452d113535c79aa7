import t from 'tap'
import { ReplicatedProperties } from '../../../../src/core/rpc/replication/replicated-properties.ts'
import { writeRpcArgument } from '../../../../src/protocol/multiplayer/rpc4-argument.ts'
import { variant4 } from '../../../../src/protocol/variant/variant4.ts'
import { int, Vector2 } from '../../../../src/protocol/variant/variant-types.ts'

const host = { codec: variant4, exactTypes: false, maxPacketSize: 65_536 }
const memory = (values: readonly Uint8Array[]): number[] => values.map(({ buffer }) => buffer.byteLength)

t.test('a value keeps only the memory of its own bytes', async t => {
  const properties = new ReplicatedProperties({ position: { kind: Vector2 }, health: { kind: int } }, host, 17)
  properties.fill({ position: new Vector2(1, 2), health: 3 })
  t.same(memory(properties.spawnValues), [12, 2], 'as given')
  properties.set('health', 300)
  t.same(memory(properties.spawnValues), [12, 3], 'as set')
  t.same(memory([properties.syncValues!]), [15], 'together')
  const received = [new Vector2(3, 4), 5].map(value => variant4.build(writeRpcArgument, value))
  t.strictSame(properties.receive(Buffer.concat(received), undefined), { position: new Vector2(3, 4), health: 5 })
  t.same(memory(properties.spawnValues), [12, 2], 'as received')
})
