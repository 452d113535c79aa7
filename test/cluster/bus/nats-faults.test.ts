import { jetstreamManager, type ConsumerInfo, type JetStreamManager } from '@nats-io/jetstream'
import { connect as natsConnection } from '@nats-io/transport-node'
import t, { type Test } from 'tap'
import type { Bus, KeyStore } from '../../../src/cluster/bus/bus.ts'
import { connectNats } from '../../../src/cluster/bus/nats-bus.ts'
import { NatsStream } from '../../../src/cluster/bus/nats-stream.ts'
import { freePort } from '../../helper/free-port.ts'
import { keyFile } from '../../helper/sockets/keys.ts'
import { startNats, type NatsServer } from '../../helper/programs/nats.ts'
import { silentLogger } from '../../helper/silent-logger.ts'
import { startTcpProxy } from '../../helper/programs/tcp-proxy.ts'
import { until } from '../../helper/until.ts'
import { withTimeout } from '../../helper/with-timeout.ts'

async function connect (t: Test, servers: string): Promise<Bus> {
  const bus = await connectNats({ servers }, silentLogger)
  t.teardown(() => bus.close())
  return bus
}

/** Resolves when this bus is connected or not. */
async function status (bus: Bus, isConnected: boolean): Promise<void> {
  let end = (): void => {}
  const changed = new Promise<void>(resolve => {
    end = bus.onStatus(now => { if (now === isConnected) resolve() })
    if (bus.isConnected === isConnected) resolve()
  })
  await withTimeout(() => `connected: ${isConnected}`, changed)
  end()
}

/** Publishes numbers, a burst a turn, until told to stop; receives them on another bus. */
class Load {
  readonly received: number[] = []
  published = 0
  readonly #sender: Bus
  #isOver = false

  constructor (sender: Bus, receiver: Bus) {
    this.#sender = sender
    receiver.subscribe('load', ({ bytes }) => {
      this.received.push(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0))
    })
  }

  start (): void {
    if (this.#isOver) return
    for (let i = 0; i < 20; i++) {
      const bytes = new Uint8Array(64)
      new DataView(bytes.buffer).setUint32(0, this.published++)
      this.#sender.publish('load', bytes)
    }
    setTimeout(() => { this.start() }, 1)
  }

  stop (): void {
    this.#isOver = true
  }

  /** Resolves when something is received that is published from now on. */
  async flows (): Promise<void> {
    const { published } = this
    const flowing = async (): Promise<void> => {
      while (!((this.received.at(-1) ?? -1) >= published)) await new Promise(resolve => setTimeout(resolve, 5))
    }
    await withTimeout(() => `a message after ${published}`, flowing())
  }
}

/** A broken order or a duplicate, if there is one. */
function disorder (numbers: readonly number[]): string | undefined {
  const index = numbers.findIndex((number, i) => i > 0 && number <= numbers[i - 1])
  return index === -1 ? undefined : `${numbers[index]} after ${numbers[index - 1]}`
}

async function loaded (t: Test, server: NatsServer): Promise<{ load: Load, sender: Bus, receiver: Bus }> {
  const [sender, receiver] = await Promise.all([connect(t, server.url), connect(t, server.url)])
  const load = new Load(sender, receiver)
  await receiver.flush()
  load.start()
  t.teardown(() => { load.stop() })
  await load.flows()
  return { load, sender, receiver }
}

t.test('a broker that is killed and restarted under load: no duplicates, no reordering', async t => {
  const server = await startNats(t)
  const { load, sender, receiver } = await loaded(t, server)
  for (let i = 0; i < 3; i++) {
    await server.kill()
    await Promise.all([status(sender, false), status(receiver, false)])
    const lost = load.published
    await server.start()
    await Promise.all([status(sender, true), status(receiver, true)])
    await load.flows()
    t.notOk(load.received.includes(lost), 'what was published without a broker is not sent later')
  }
  t.equal(disorder(load.received), undefined)
})

t.test('a broker that stops is noticed before NATS does; nothing of that time is sent later', async t => {
  const server = await startNats(t)
  const { load, sender, receiver } = await loaded(t, server)
  server.signal('SIGSTOP')
  await Promise.all([status(sender, false), status(receiver, false)])
  const lost = load.published
  server.signal('SIGCONT')
  await Promise.all([status(sender, true), status(receiver, true)])
  await load.flows()
  t.notOk(load.received.includes(lost))
})

for (const isTls of [false, true]) {
  t.test(`a connection that takes no more bytes is noticed, too${isTls ? ' (TLS)' : ''}`, async t => {
    const keys = ['--tls', '--tlscert', keyFile('renewed.pem'), '--tlskey', keyFile('renewed.key')]
    const server = await startNats(t, isTls ? ['-js', ...keys] : ['-js'])
    const proxy = await startTcpProxy(t, () => server.port)
    const tls = isTls && { caFile: keyFile('root.pem') }
    const bus = await connectNats({ servers: `nats://localhost:${proxy.port}`, tls }, silentLogger)
    t.teardown(() => bus.close())
    proxy.stall()
    // More than sockets buffer.
    for (let i = 0; i < 32; i++) bus.publish('a', new Uint8Array(1_000_000))
    t.ok(bus.unconfirmedBytes > 30_000_000)
    await status(bus, false)
    t.equal(bus.unconfirmedBytes, 0)
    proxy.cut()
    proxy.restore()
    await status(bus, true)
    await bus.flush()
  })
}

t.test('closes although the broker has stopped', async t => {
  const server = await startNats(t)
  const bus = await connect(t, server.url)
  server.signal('SIGSTOP')
  for (let i = 0; i < 32; i++) bus.publish('a', new Uint8Array(1_000_000))
  await bus.close()
  t.equal(bus.isConnected, false)
})

t.test('a store outlives a restart of the broker', async t => {
  const server = await startNats(t)
  const bus = await connect(t, server.url)
  const store = await bus.openStore('test')
  const revision = await store.put('a', new Uint8Array(1)) as number
  await server.kill()
  await status(bus, false)
  await server.start()
  await status(bus, true)
  t.equal((await store.get('a'))?.revision, revision)
  t.ok(await store.update('a', new Uint8Array(1), revision) as number > revision)
})

t.test('waits while another node creates the same store, but not forever', async t => {
  const server = await startNats(t)
  const bus = await connect(t, server.url)
  const connection = await natsConnection({ servers: server.url })
  t.teardown(async () => { await connection.close() })
  const { streams } = await jetstreamManager(connection)
  // To the broker a stream that another node is creating for the same keys is like any other stream.
  for (const name of ['soon', 'never']) await streams.add({ name: `other-${name}`, subjects: [`$KV.${name}.>`] })
  await t.rejects(bus.openStore('never'), {
    name: 'BusError',
    fault: 'refused',
    message: 'refused: never: subjects overlap with an existing stream',
    cause: { code: 10065 }
  })
  const refused = new Promise<void>(resolve => {
    connection.subscribe('$JS.EVENT.ADVISORY.API', {
      callback: (_error, message) => { if (message.string().includes('STREAM.CREATE.KV_soon')) resolve() }
    })
  })
  await connection.flush()
  const opening = bus.openStore('soon')
  await withTimeout(() => 'the first attempt', refused)
  await streams.delete('other-soon')
  t.equal(await (await opening).create('a', new Uint8Array(1)), 1)
})

t.test('a store is created again when a restarted broker has lost it; watches continue', async t => {
  const server = await startNats(t)
  const buses = await Promise.all(Array.from({ length: 3 }, () => connect(t, server.url)))
  const stores = await Promise.all(buses.map(bus => bus.openStore('test', 60)))
  for (let i = 0; i < 10; i++) await stores[0].put('a', new Uint8Array(1))
  const changes: string[] = []
  let changed = (): void => {}
  await stores[2].watch(({ key, revision }) => {
    changes.push(`${key} ${revision}`)
    changed()
  }, () => { changes.push('renewed') })
  await server.kill()
  await Promise.all(buses.map(bus => status(bus, false)))
  await server.forget()
  await server.start()
  await Promise.all(buses.map(bus => status(bus, true)))
  const told = new Promise<void>(resolve => { changed = resolve })
  t.equal(await stores[0].get('a'), undefined)
  const revisions = await Promise.all(stores.slice(0, 2).map(store => store.create('b', new Uint8Array(1))))
  t.same(revisions.filter(revision => revision !== undefined), [1], 'one of them creates the first key')
  await withTimeout(() => 'the new key', told)
  t.same(changes, ['a 10', 'renewed', 'b 1'])
  t.ok(await stores[0].age('b') as number < 10_000)
})

t.test('nodes do not read a store that another node is creating: brokers before 2.10 would crash', async t => {
  const server = await startNats(t)
  const buses = await Promise.all(Array.from({ length: 8 }, () => connect(t, server.url)))
  const names = ['x', 'y', 'z']
  const stores = await Promise.all(buses.map(bus => Promise.all(names.map(name => bus.openStore(name)))))
  /** Whether a node that is back finds the key of each store, which it or another one creates. */
  const read = async (at: number): Promise<boolean[]> => {
    await status(buses[at], true)
    return await Promise.all(stores[at].map(async store => {
      await store.get('key')
      await store.create('key', new Uint8Array([at]))
      return await store.get('key') !== undefined
    }))
  }
  for (let restart = 0; restart < 5; restart++) {
    await server.kill()
    await Promise.all(buses.map(bus => status(bus, false)))
    await server.forget()
    await server.start()
    const found = await Promise.all(buses.map((_bus, at) => read(at)))
    t.ok(found.flat().every(Boolean), `restart ${restart}`)
  }
})

/** A client of a broker for what nodes do not do; `checks` counts the checks of watches of the store 'test'. */
async function manage (t: Test, servers: string): Promise<JetStreamManager & { checks: () => number }> {
  const connection = await natsConnection({ servers })
  t.teardown(async () => { await connection.close() })
  const asked = connection.subscribe('$JS.API.STREAM.INFO.KV_test', { callback: () => {} })
  return Object.assign(await jetstreamManager(connection), { checks: () => asked.getReceived() })
}

/** Watches a store; resolves with the values of one byte that it reports. */
async function watchValues (store: KeyStore): Promise<{ values: number[], end: () => void }> {
  const values: number[] = []
  const end = await store.watch(({ value }) => { values.push(value![0]) }, () => { values.push(-1) })
  return { values, end }
}

t.test('the broker keeps nothing of deleted keys, except the latest revision, which outlives a restart', async t => {
  const server = await startNats(t)
  const bus = await connect(t, server.url)
  const store = await bus.openStore('test')
  const count = async (): Promise<number> => {
    const { streams } = await manage(t, server.url)
    return (await streams.info('KV_test')).state.messages
  }
  await store.put('kept', new Uint8Array([1]))
  for (let number = 0; number < 50; number++) {
    await store.put(`key-${number}`, new Uint8Array([number]))
    await store.delete(`key-${number}`)
  }
  const latest = await store.compact(0)
  t.equal(await count(), 51)
  t.equal(await store.compact(latest), latest)
  t.equal(await count(), 2)
  await server.kill()
  await status(bus, false)
  await server.start()
  await status(bus, true)
  t.ok(await store.put('kept', new Uint8Array([2])) > latest)
  await store.compact(latest)
  t.equal(await count(), 1)
  const { values } = await watchValues(store)
  t.same(values, [2])
})

t.test('a request that the broker refuses rejects with BusError', async t => {
  const server = await startNats(t)
  const bus = await connect(t, server.url)
  const store = await bus.openStore('test')
  const revision = await store.put('a', new Uint8Array([1]))
  const { streams } = await manage(t, server.url)
  await streams.update('KV_test', { max_bytes: 1000 })
  const large = new Uint8Array(2000)
  for (const refused of [store.put('a', large), store.update('a', large, revision), store.create('b', large)]) {
    await t.rejects(refused, { name: 'BusError', fault: 'refused', message: /^refused: [ab]: maximum bytes exceeded/ })
  }
  t.same((await store.get('a'))?.value, new Uint8Array([1]))
})

t.test('a watch that starts as the connection closes leaves no timer', async t => {
  const server = await startNats(t)
  const bus = await connect(t, server.url)
  await bus.openStore('test')
  const connection = await natsConnection({ servers: server.url })
  const stream = new NatsStream(connection, await jetstreamManager(connection), 'test')
  const consumer = await stream.addConsumer(false)
  await connection.close()
  const timers = (): number => process.getActiveResourcesInfo().filter(kind => kind === 'Timeout').length
  const before = timers()
  await t.rejects(stream.consume(consumer, () => {}), { name: 'BusError', fault: 'disconnected' })
  t.equal(timers(), before)
})

t.test('a watch continues when the broker has lost its consumer, but not the connection', async t => {
  const server = await startNats(t)
  const bus = await connect(t, server.url)
  const store = await bus.openStore('test')
  await store.put('a', new Uint8Array([1]))
  const { values } = await watchValues(store)
  const { consumers } = await manage(t, server.url)
  for (const { name } of await consumers.list('KV_test').next()) await consumers.delete('KV_test', name)
  await store.put('a', new Uint8Array([2]))
  await until(() => values.includes(2))
  await store.put('a', new Uint8Array([3]))
  await until(() => values.includes(3))
  t.same(values, [1, 2, 3])
})

t.test('a watch continues when its store was deleted and created again while it was connected', async t => {
  const server = await startNats(t)
  const [one, two] = await Promise.all([connect(t, server.url), connect(t, server.url)])
  const store = await one.openStore('test')
  await store.put('a', new Uint8Array([1]))
  const { values } = await watchValues(await two.openStore('test'))
  const { streams } = await manage(t, server.url)
  await streams.delete('KV_test')
  await store.put('a', new Uint8Array([2]))
  await until(() => values.includes(2))
  t.same(values, [1, -1, 2])
})

t.test('a watch that has reported everything does not begin again', async t => {
  const server = await startNats(t)
  const bus = await connect(t, server.url)
  const store = await bus.openStore('test', 1)
  await store.put('a', new Uint8Array([1]))
  await until(async () => await store.get('a') === undefined)
  const { end } = await watchValues(store)
  const { consumers, checks } = await manage(t, server.url)
  // A consumer that is being deleted may be listed as null.
  const names = async (): Promise<string[]> =>
    (await consumers.list('KV_test').next() as Array<ConsumerInfo | null>).flatMap(info => info?.name ?? [])
  const before = await names()
  t.equal(before.length, 1)
  const asked = checks()
  await until(() => checks() > asked + 2)
  t.same(await names(), before)
  end()
  await until(async () => (await names()).length === 0)
})

t.test('one of three brokers is lost: the one that keeps the consumer of a watch', async t => {
  const brokers = await startThree(t)
  const [bus, store] = await patiently(async () => {
    const bus = await connectNats({ servers: brokers[0].url, replicas: 3 }, silentLogger)
    t.teardown(() => bus.close())
    return [bus, await bus.openStore('test')] as const
  })
  const { consumers } = await manage(t, brokers[0].url)
  await patiently(() => store.put('a', new Uint8Array([1])))
  let lost: NatsServer | undefined
  let values: number[] = []
  while (lost === undefined) {
    const watch = await watchValues(store)
    const [{ cluster }] = await consumers.list('KV_test').next()
    lost = brokers.slice(1).find((_broker, at) => cluster?.leader === `nats-${at + 1}`)
    values = watch.values
    if (lost === undefined) watch.end()
  }
  await lost.kill()
  t.ok(bus.isConnected)
  await patiently(() => store.put('a', new Uint8Array([2])))
  await until(() => values.includes(2))
  t.ok(bus.isConnected)
})

/** What succeeds once the brokers have agreed on who leads. */
async function patiently<Result> (action: () => Promise<Result>): Promise<Result> {
  let result!: Result
  await until(() => action().then(value => { result = value; return true }, () => false), () => 'the brokers to agree')
  return result
}

/** Starts three brokers that are a cluster: `nats-0` to `nats-2`. */
async function startThree (t: Test): Promise<NatsServer[]> {
  const ports = await Promise.all([freePort(), freePort(), freePort()])
  const routes = ports.map(port => `nats://127.0.0.1:${port}`)
  const args = ['-js', '--cluster_name', 'test', '--routes', routes.join()]
  return await Promise.all(routes.map((route, at) => startNats(t, [...args, '-n', `nats-${at}`, '--cluster', route])))
}
