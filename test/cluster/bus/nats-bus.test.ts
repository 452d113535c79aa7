import t from 'tap'
import type { Bus } from '../../../src/cluster/bus/bus.ts'
import { connectNats } from '../../../src/cluster/bus/nats-bus.ts'
import { startNats } from '../../helper/programs/nats.ts'
import { silentLogger } from '../../helper/silent-logger.ts'
import { startTcpProxy, type TcpProxy } from '../../helper/programs/tcp-proxy.ts'
import { testBus } from './bus-contract.ts'

t.test('a value that is too large for the broker is refused', async t => {
  const server = await startNats(t)
  const bus = await connectNats({ servers: server.url }, silentLogger)
  t.teardown(() => bus.close())
  const store = await bus.openStore('large')
  const large = new Uint8Array(2_000_000)
  await t.rejects(store.create('a', large), { name: 'BusError' })
  t.equal(await store.get('a'), undefined)
  const revision = await store.create('a', new Uint8Array(1)) as number
  await t.rejects(store.update('a', large, revision), { name: 'BusError' })
  t.equal((await store.get('a'))?.revision, revision)
})

testBus('NATS', async t => {
  const server = await startNats(t)
  const proxies = new Map<Bus, TcpProxy>()
  return {
    async connect () {
      const proxy = await startTcpProxy(t, () => server.port)
      const bus = await connectNats({ servers: `nats://127.0.0.1:${proxy.port}` }, silentLogger)
      proxies.set(bus, proxy)
      return bus
    },
    cut: bus => { proxies.get(bus)?.cut() },
    restore: bus => { proxies.get(bus)?.restore() },
    close: async () => { await server.close() }
  }
})
