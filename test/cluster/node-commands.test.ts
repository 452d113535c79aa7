import t from 'tap'
import { NodeCommands } from '../../src/cluster/node-commands.ts'
import { Subjects } from '../../src/cluster/subjects.ts'
import { MemoryBroker } from '../helper/memory/memory-bus.ts'

t.test('a result that JSON cannot represent is an error of the node that asks', async t => {
  const broker = new MemoryBroker()
  const buses = [broker.connect(), broker.connect()]
  const [asking, answering] = buses.map((bus, index) => {
    const commands = new NodeCommands(new Subjects('default'))
    commands.listen(bus, index + 1)
    return commands
  })
  t.teardown(async () => { for (const bus of buses) await bus.close() })
  answering.handle('count', () => 1n)
  await t.rejects(asking.ask(2, 'count', {}), { code: 'FAILED', message: /BigInt/ })
})
