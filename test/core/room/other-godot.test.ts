import t from 'tap'
import { FrameClient, nextTurn } from '../../helper/memory/frame-client.ts'
import { Godot4Player, pumpUntilIdle } from '../../helper/godot/godot4-player.ts'
import { header } from '../../helper/memory/memory-client.ts'
import { openMemoryServer } from '../../helper/memory/memory-server.ts'
import { silentLogger } from '../../helper/silent-logger.ts'
import type { ServerOptions } from '../../../src/options/options.ts'

async function serve (options: Partial<ServerOptions>) {
  const warnings: unknown[] = []
  const log = { ...silentLogger, warn: (details: object, message: string) => { warnings.push([message, details]) } }
  return { server: await openMemoryServer({ gdMpApi: true, log, ...options }, [10, 11, 12, 13]), warnings }
}

t.test('a client of Godot 4 at an endpoint for Godot 3 is reported, once a burst', async t => {
  const { server, warnings } = await serve({ wire: 'godot3' })
  const players = [new Godot4Player(server), new Godot4Player(server)]
  await pumpUntilIdle(players)
  t.same(players[0].game.refusals, ['not a valid id message'])
  t.same(warnings, [['a client of Godot 4 at an endpoint for Godot 3 (option wire)', {
    wire: 'godot3', peer: 10, address: '127.0.0.1'
  }]])
  await server.stop()
})

t.test('a client of Godot 3 at an endpoint for Godot 4 is reported when it sends', async t => {
  const { server, warnings } = await serve({ wire: 'godot4' })
  const client = new FrameClient(server)
  client.binary(Buffer.concat([header(0, 0), Buffer.from('hello')]))
  client.binary(Buffer.concat([header(0, 0), Buffer.from('hello')]))
  await nextTurn()
  t.same(warnings.splice(0), [['a client of Godot 3 at an endpoint for Godot 4 (option wire)', {
    wire: 'godot4', peer: 10, address: '127.0.0.1'
  }]])
  await server.stop()
})

t.test('clients of the Godot version of the endpoint, and others that close, are not reported', async t => {
  const three = await serve({ wire: 'godot3' })
  const clients = [new FrameClient(three.server), new FrameClient(three.server), new FrameClient(three.server)]
  clients[0].binary(Buffer.concat([header(10, 1), Buffer.from('x')]))
  clients[0].close(1000)
  clients[1].close(1000, 'bye')
  clients[2].close(1001)
  await nextTurn()
  const four = await serve({ wire: 'godot4' })
  const player = new Godot4Player(four.server)
  await pumpUntilIdle([player])
  player.game.sendBytes(Buffer.alloc(20))
  const other = new FrameClient(four.server)
  other.close(1000)
  await pumpUntilIdle([player])
  const plain = await serve({ gdMpApi: false })
  const client = new FrameClient(plain.server)
  client.binary(Buffer.alloc(20))
  client.close(1000)
  await nextTurn()
  t.same([...three.warnings, ...four.warnings, ...plain.warnings], [])
  for (const { server } of [three, four, plain]) await server.stop()
})
