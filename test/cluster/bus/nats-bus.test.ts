import type { Bus } from '../../../src/cluster/bus/bus.ts'
import { connectNats } from '../../../src/cluster/bus/nats-bus.ts'
import { startNats } from '../../helper/nats.ts'
import { silentLogger } from '../../helper/silent-logger.ts'
import { startTcpProxy, type TcpProxy } from '../../helper/tcp-proxy.ts'
import { testBus } from './bus-contract.ts'

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
