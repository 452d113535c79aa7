import t from 'tap'
import { int } from '../../../../src/protocol/variant/variant-types.ts'
import { openGodot4Server } from '../../../helper/memory/memory-server.ts'

const ball = { health: { kind: int, mode: 'on_change' } } as const

t.test('publicVisibility is what it was set to, and true before', async t => {
  const server = await openGodot4Server()
  const { multiplayer } = server
  const spawner = multiplayer.spawner('/root/Main/Spawner')
  const node = spawner.spawn('Ball', { scene: 0 }, ball, { health: 3 })
  const hidden = spawner.spawn('Ghost', { scene: 0 }, ball, { health: 3 }, { publicVisibility: false })
  const synchronizer = multiplayer.synchronizer('/root/Main/State', ball, { values: { health: 3 } })
  t.same([node, hidden, synchronizer].map(({ publicVisibility }) => publicVisibility), [true, false, true])
  for (const one of [node, hidden, synchronizer]) {
    one.publicVisibility = !one.publicVisibility
  }
  t.same([node, hidden, synchronizer].map(({ publicVisibility }) => publicVisibility), [false, true, false])
  await server.stop()
})
