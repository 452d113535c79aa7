import t from 'tap'
import type { KeyStore } from '../../src/cluster/bus/bus.ts'
import { StoreCleaner } from '../../src/cluster/store-cleaner.ts'
import { stopTime } from '../helper/clock.ts'
import { MemoryBroker } from '../helper/memory/memory-bus.ts'
import { openMemoryCluster, patientTimings, settled } from '../helper/memory/memory-cluster.ts'
import { override } from '../helper/override.ts'
import { until } from '../helper/until.ts'

const INTERVAL = 1000
const BYTES = new Uint8Array([1])

t.test('what was deleted is dropped after one to two intervals', async t => {
  const broker = new MemoryBroker()
  const bus = broker.connect()
  const store = await bus.openStore('rooms')
  const left = (): string[] => broker.store('rooms', Infinity).changedSince(0).map(({ key }) => key)
  const clock = stopTime(t)
  const cleaner = new StoreCleaner(INTERVAL)
  const pass = async (milliseconds: number): Promise<void> => {
    clock.advance(milliseconds)
    cleaner.tick()
    await settled()
  }
  cleaner.open([store])
  await store.put('kept', BYTES)
  await store.put('first', BYTES)
  await store.delete('first')
  await pass(0)
  await store.put('second', BYTES)
  await store.delete('second')
  await pass(INTERVAL - 1)
  t.same(left(), ['kept', 'first', 'second'])
  await pass(1)
  t.same(left(), ['kept', 'second'])
  await pass(INTERVAL)
  t.same(left(), ['kept'])
  await store.delete('kept')
  await pass(INTERVAL)
  cleaner.close()
  await pass(INTERVAL)
  t.same(left(), ['kept'], 'not after the node has left')
  await bus.close()
})

t.test('a round that fails is tried again in the next one, and rounds do not overlap', async t => {
  const broker = new MemoryBroker()
  const bus = broker.connect()
  const asked: number[] = []
  let answer = (): void => {}
  const store: KeyStore = override(await bus.openStore('rooms'), {
    compact: async (upTo: number) => {
      asked.push(upTo)
      await new Promise<void>(resolve => { answer = resolve })
      if (asked.length === 2) throw new Error('timeout')
      return 10 * asked.length
    }
  })
  const clock = stopTime(t)
  const cleaner = new StoreCleaner(INTERVAL)
  cleaner.open([store])
  for (const expected of [[0], [0, 10], [0, 10, 10], [0, 10, 10, 30]]) {
    cleaner.tick()
    clock.advance(INTERVAL)
    cleaner.tick()
    t.same(asked, expected)
    answer()
    await settled()
  }
  await bus.close()
})

t.test('one node of a cluster drops the names of rooms that have ended', async t => {
  const timings = { ...patientTimings, deleted: 50 }
  const { broker, nodes } = await openMemoryCluster(t, 3, {}, timings)
  const left = (store: string): string[] =>
    broker.store(`gdws-default-${store}`, Infinity).changedSince(0).map(({ key }) => key)
  for (let number = 0; number < 20; number++) (await nodes[number % 3].cluster.openRoom(`room-${number}`)).close()
  await until(() => left('rooms').length === 1 && left('state').length === 0)
  t.same(left('rooms'), ['main'])
  t.equal((await nodes[2].cluster.openRoom('room-7')).name, 'room-7')
})
