import t from 'tap'
import { MemoryBroker } from '../../helper/memory/memory-bus.ts'
import { testBus } from './bus-contract.ts'

testBus('memory', async () => {
  const broker = new MemoryBroker()
  return {
    connect: async () => broker.connect(),
    cut: bus => { broker.cut(bus) },
    restore: bus => { broker.restore(bus) },
    close: async () => {}
  }
})

t.test('a broker that forgets its keys has young stores', async t => {
  const broker = new MemoryBroker()
  const bus = broker.connect()
  const store = await bus.openStore('test')
  const changes: string[] = []
  await store.watch(({ key, revision }) => { changes.push(`${key} ${revision}`) }, () => { changes.push('renewed') })
  await store.put('a', new Uint8Array(1))
  t.equal(await store.age('a'), Infinity)
  broker.forget()
  t.equal(await store.get('a'), undefined)
  await store.put('a', new Uint8Array(2))
  t.ok(await store.age('a') as number < 60_000)
  t.same(changes, ['a 1', 'renewed', 'a 1'], 'a watch follows the new store')
})

t.test('what a receiver throws does not keep a message from others', async t => {
  const broker = new MemoryBroker()
  const [sender, first, second] = [broker.connect(), broker.connect(), broker.connect()]
  const failure = new Error('a receiver failed')
  first.subscribe('a', () => { throw failure })
  const received = new Promise(resolve => second.subscribe('a', resolve))
  const thrown = new Promise(resolve => process.once('uncaughtException', resolve))
  sender.publish('a', new Uint8Array(1))
  await received
  t.equal(await thrown, failure)
})

t.test('a broker only cuts connections of its own', async t => {
  const bus = new MemoryBroker().connect()
  t.throws(() => { new MemoryBroker().cut(bus) }, { code: 'ERR_INVALID_PARAMETER' })
})
