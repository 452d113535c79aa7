import t, { type Test } from 'tap'
import { GodotError } from '../../../src/error.ts'
import { BusError, type Bus, type BusMessage, type KeyStore, type StoreEntry } from '../../../src/cluster/bus/bus.ts'
import { until } from '../../helper/until.ts'
import { withTimeout } from '../../helper/with-timeout.ts'

/** A broker and what a test does to it. */
export interface Broker {
  connect (): Promise<Bus>
  /** Interrupts the connection of this bus. */
  cut (bus: Bus): void
  restore (bus: Bus): void
  /** Ends it, after all buses were closed. */
  close (): Promise<void>
}

/** Nodes of a cluster and its broker, for one test. */
class Cluster {
  readonly broker: Broker
  readonly #test: Test
  readonly #buses: Bus[] = []

  constructor (t: Test, broker: Broker) {
    this.broker = broker
    this.#test = t
    t.teardown(async () => {
      await Promise.all(this.#buses.map(bus => bus.close()))
      await broker.close()
    })
  }

  async nodes (count: number): Promise<Bus[]> {
    const buses = await Promise.all(Array.from({ length: count }, () => this.broker.connect()))
    this.#buses.push(...buses)
    return buses
  }

  /** Interrupts the connection of a bus and waits until it knows. */
  async cut (bus: Bus): Promise<void> {
    const told = nextStatus(bus)
    this.broker.cut(bus)
    this.#test.equal(await told, false)
  }

  /** Restores it and waits until the bus knows. */
  async restore (bus: Bus): Promise<void> {
    const told = nextStatus(bus)
    this.broker.restore(bus)
    this.#test.equal(await told, true)
    await bus.flush()
  }
}

/** What a subscription has received, as text, in order. */
class Inbox {
  readonly got: string[] = []
  #arrived = (): void => {}

  listen (bus: Bus, subject: string): () => void {
    return bus.subscribe(subject, message => { this.push(`${message.subject}: ${text(message.bytes)}`) })
  }

  push (line: string): void {
    this.got.push(line)
    this.#arrived()
  }

  /** Waits for this many in all. */
  async count (count: number): Promise<string[]> {
    const arrived = new Promise<void>(resolve => {
      this.#arrived = () => { if (this.got.length >= count) resolve() }
      this.#arrived()
    })
    await withTimeout(() => `${count} messages, got ${this.got.join(', ')}`, arrived)
    return this.got
  }
}

/** What every bus must do. */
export function testBus (name: string, start: (t: Test) => Promise<Broker>): void {
  const test = (title: string, run: (t: Test, cluster: Cluster) => Promise<void>): void => {
    t.test(`${name}: ${title}`, async t => { await run(t, new Cluster(t, await start(t))) })
  }

  testMessages(test)
  testRequests(test)
  testConnection(test)
  testStores(test)
  testWatches(test)
}

type DefineTest = (title: string, run: (t: Test, cluster: Cluster) => Promise<void>) => void

function testMessages (test: DefineTest): void {
  test('delivers in order over all subjects, in a later turn, not to the sender', async (t, cluster) => {
    const [sender, ...receivers] = await cluster.nodes(3)
    const own = new Inbox()
    own.listen(sender, 'a')
    const inboxes = receivers.map(receiver => {
      const inbox = new Inbox()
      for (const subject of ['a', 'b.c', 'd']) inbox.listen(receiver, subject)
      return inbox
    })
    await flush(sender, ...receivers)
    const expected = Array.from({ length: 3000 }, (_, i) => `${['a', 'b.c', 'd'][i % 3]}: ${i}`)
    for (const line of expected) {
      const [subject, number] = line.split(': ')
      sender.publish(subject, bytes(number))
    }
    t.same(inboxes[0].got, [])
    for (const inbox of inboxes) t.same(await inbox.count(3000), expected)
    await sender.flush()
    t.same(own.got, [])
  })

  test('matches a wildcard with exactly one word', async (t, cluster) => {
    const [sender, receiver] = await cluster.nodes(2)
    const inbox = new Inbox()
    inbox.listen(receiver, 'n.*.ping')
    await receiver.flush()
    for (const subject of ['n.1.ping', 'n.ping', 'n.1.2.ping', 'n.2.pong', 'm.2.ping', 'n.3.ping']) {
      sender.publish(subject, bytes('x'))
    }
    t.same(await inbox.count(2), ['n.1.ping: x', 'n.3.ping: x'])
  })

  test('delivers to every subscription of a node until it ends', async (t, cluster) => {
    const [sender, receiver] = await cluster.nodes(2)
    const [first, second, all] = [new Inbox(), new Inbox(), new Inbox()]
    const end = first.listen(receiver, 'a')
    second.listen(receiver, 'a')
    const endAll = all.listen(receiver, '*')
    await receiver.flush()
    sender.publish('a', bytes('1'))
    await second.count(1)
    end()
    endAll()
    await receiver.flush()
    sender.publish('a', bytes('2'))
    await second.count(2)
    t.same([first.got, second.got, all.got], [['a: 1'], ['a: 1', 'a: 2'], ['a: 1']])
  })

  test('gives each node bytes of its own', async (t, cluster) => {
    const [sender, first, second] = await cluster.nodes(3)
    const inbox = new Inbox()
    for (const receiver of [first, second]) {
      receiver.subscribe('a', message => {
        inbox.push(text(message.bytes))
        message.bytes.fill(0)
      })
    }
    await flush(first, second)
    sender.publish('a', bytes('whole'))
    t.same(await inbox.count(2), ['whole', 'whole'])
  })

  test('accepts messages of maxPayload bytes and refuses longer ones', async (t, cluster) => {
    const [sender, receiver] = await cluster.nodes(2)
    const inbox = new Inbox()
    receiver.subscribe('a', message => { inbox.push(String(message.bytes.length)) })
    await receiver.flush()
    sender.publish('a', new Uint8Array(sender.maxPayload))
    sender.publish('a', new Uint8Array(0))
    t.same(await inbox.count(2), [String(sender.maxPayload), '0'])
    const tooLong = new Uint8Array(sender.maxPayload + 1)
    const refusal = { code: 'ERR_INVALID_PARAMETER', message: /1048577.*at most 1048576/ }
    t.throws(() => { sender.publish('a', tooLong) }, refusal)
    await t.rejects(sender.request('a', tooLong, 1000), refusal)
  })

  test('counts the bytes that the broker has not confirmed', async (t, cluster) => {
    const [sender] = await cluster.nodes(1)
    t.equal(sender.unconfirmedBytes, 0)
    for (let i = 0; i < 3; i++) sender.publish('a', new Uint8Array(500_000))
    t.equal(sender.unconfirmedBytes, 1_500_000)
    await sender.flush()
    t.equal(sender.unconfirmedBytes, 0)
    for (let i = 0; i < 4; i++) sender.publish('a', new Uint8Array(500_000))
    await until(() => sender.unconfirmedBytes < 262_144)
  })
}

function testRequests (test: DefineTest): void {
  test('responds to a request', async (t, cluster) => {
    const [sender, receiver] = await cluster.nodes(2)
    receiver.subscribe('cmd.*', message => { message.respond(bytes(`${message.subject} ${text(message.bytes)}`)) })
    await receiver.flush()
    const answers = await Promise.all(['a', 'b'].map(word => sender.request(`cmd.${word}`, bytes(word), 5000)))
    t.same(answers.map(text), ['cmd.a a', 'cmd.b b'])
  })

  test('takes the first response of several', async (t, cluster) => {
    const [sender, receiver] = await cluster.nodes(2)
    receiver.subscribe('cmd', message => {
      message.respond(bytes('1'))
      message.respond(bytes('2'))
    })
    await receiver.flush()
    t.equal(text(await sender.request('cmd', bytes(''), 5000)), '1')
  })

  test('fails a request at once if nobody can respond', async (t, cluster) => {
    const [sender] = await cluster.nodes(1)
    await rejects(t, sender.request('nobody', bytes(''), 60_000), 'no-responders')
  })

  test('fails a request without a response in time', async (t, cluster) => {
    const [sender, receiver] = await cluster.nodes(2)
    receiver.subscribe('cmd', () => {})
    await receiver.flush()
    await rejects(t, sender.request('cmd', bytes(''), 50), 'timeout')
  })

  test('ignores the response to a message that is not a request', async (t, cluster) => {
    const [sender, receiver] = await cluster.nodes(2)
    const inbox = new Inbox()
    receiver.subscribe('a', message => {
      message.respond(bytes('x'))
      inbox.push('got')
    })
    await receiver.flush()
    sender.publish('a', bytes(''))
    t.same(await inbox.count(1), ['got'])
  })
}

function testConnection (test: DefineTest): void {
  test('reports that the connection is lost and back, and keeps its subscriptions', async (t, cluster) => {
    const [sender, receiver] = await cluster.nodes(2)
    const inbox = new Inbox()
    inbox.listen(receiver, 'a')
    await receiver.flush()
    await cluster.cut(receiver)
    t.equal(receiver.isConnected, false)
    sender.publish('a', bytes('lost'))
    // The broker may notice a little later.
    const failed = sender.request('a', bytes(''), 1000).then(() => 'answered', ({ fault }: BusError) => fault)
    t.match(await failed, /^(no-responders|timeout)$/)
    const late = inbox.listen(receiver, 'b')
    await cluster.restore(receiver)
    t.equal(receiver.isConnected, true)
    sender.publish('a', bytes('1'))
    sender.publish('b', bytes('2'))
    t.same(await inbox.count(2), ['a: 1', 'b: 2'])
    late()
  })

  test('permanently drops what is published while disconnected', async (t, cluster) => {
    const [sender, receiver] = await cluster.nodes(2)
    const inbox = new Inbox()
    inbox.listen(receiver, 'a')
    await receiver.flush()
    await cluster.cut(sender)
    // Until it has tried to connect again.
    await turn(500)
    sender.publish('a', bytes('lost'))
    t.equal(sender.unconfirmedBytes, 0)
    await cluster.restore(sender)
    sender.publish('a', bytes('1'))
    t.same(await inbox.count(1), ['a: 1'])
  })

  test('fails at once what needs the broker while disconnected', async (t, cluster) => {
    const [sender, receiver] = await cluster.nodes(2)
    const store = await sender.openStore('test')
    receiver.subscribe('cmd', () => {})
    await receiver.flush()
    const pending = sender.request('cmd', bytes(''), 60_000)
    const failed = rejects(t, pending, 'disconnected')
    await cluster.cut(sender)
    await failed
    await rejects(t, sender.request('cmd', bytes(''), 60_000), 'disconnected')
    await rejects(t, sender.flush(), 'disconnected')
    await rejects(t, store.get('a'), 'disconnected')
    await rejects(t, sender.openStore('other'), 'disconnected')
    await rejects(t, store.watch(() => {}), 'disconnected')
    await cluster.restore(sender)
    t.equal(await store.get('a'), undefined)
  })

  test('sends what was published before it closes', async (t, cluster) => {
    const [receiver] = await cluster.nodes(1)
    const sender = await cluster.broker.connect()
    const inbox = new Inbox()
    inbox.listen(receiver, 'a')
    await receiver.flush()
    sender.publish('a', bytes('last'))
    await sender.close()
    t.same(await inbox.count(1), ['a: last'])
    t.equal(sender.isConnected, false)
    sender.publish('a', bytes('lost'))
    await rejects(t, sender.request('a', bytes(''), 60_000), 'disconnected')
    await sender.close()
  })

  test('drops a response that is given after it has closed', async (t, cluster) => {
    const [sender] = await cluster.nodes(1)
    const receiver = await cluster.broker.connect()
    const received = new Promise<BusMessage>(resolve => { receiver.subscribe('cmd', resolve) })
    await receiver.flush()
    const failed = rejects(t, sender.request('cmd', bytes(''), 1000), 'timeout')
    const message = await withTimeout(() => 'the request', received)
    await receiver.close()
    t.doesNotThrow(() => { message.respond(bytes('late')) })
    await failed
  })
}

function testStores (test: DefineTest): void {
  test('creates a key once; the broker decides who is first', async (t, cluster) => {
    const stores = await openStores(await cluster.nodes(4), 'test')
    const revisions = await Promise.all(stores.map((store, i) => store.create('slot.1', bytes(String(i)))))
    const winners = revisions.filter(revision => revision !== undefined)
    t.equal(winners.length, 1)
    const entry = await stores[3].get('slot.1')
    t.equal(entry?.revision, winners[0])
    t.equal(text(entry?.value), String(revisions.indexOf(winners[0])))
  })

  test('updates and deletes a key only with its revision', async (t, cluster) => {
    const [first, second] = await openStores(await cluster.nodes(2), 'test')
    const created = await first.create('a', bytes('1')) as number
    const updated = await second.update('a', bytes('2'), created) as number
    t.ok(updated > created)
    t.equal(await first.update('a', bytes('3'), created), undefined)
    t.equal(await first.delete('a', created), false)
    t.equal(text((await first.get('a'))?.value), '2')
    t.equal(await first.delete('a', updated), true)
    t.equal(await second.get('a'), undefined)
    t.equal(await second.update('a', bytes('3'), updated), undefined)
    t.equal(await second.update('b', bytes('3'), updated), undefined)
    const again = await second.create('a', bytes('4')) as number
    t.ok(again > updated)
  })

  test('sets and deletes a key regardless of its revision', async (t, cluster) => {
    const [store] = await openStores(await cluster.nodes(1), 'test')
    const first = await store.put('a', bytes('1'))
    const second = await store.put('a', bytes('2'))
    t.ok(second > first)
    t.same(text((await store.get('a'))?.value), '2')
    t.equal(await store.delete('a'), true)
    t.equal(await store.get('a'), undefined)
    t.equal(await store.delete('never'), true)
  })

  test('drops what is left of deleted keys up to a revision', async (t, cluster) => {
    const [store, other] = await openStores(await cluster.nodes(2), 'test')
    t.equal(await store.compact(0), 0)
    const kept = await store.put('a', bytes('1')) as number
    for (const key of ['b', 'c']) {
      await store.put(key, bytes('1'))
      await store.delete(key)
    }
    const latest = await other.compact(0)
    await store.put('c', bytes('2'))
    await store.delete('d')
    t.ok(await store.compact(latest) >= latest)
    t.same([(await other.get('a'))?.revision, await other.get('b')], [kept, undefined])
    t.equal(text((await other.get('c'))?.value), '2', 'created again after it was deleted')
    const created = await other.create('b', bytes('3')) as number
    t.ok(created > latest)
    t.ok(await other.update('b', bytes('4'), created))
    t.equal(await other.update('a', bytes('5'), latest), undefined)
    t.equal(await other.delete('a', kept), true)
    t.ok(await store.compact(1_000_000) > created, 'as if the broker had lost the store of that revision')
  })

  test('reports every key while what is left of deleted ones is dropped', async (t, cluster) => {
    const [store, other] = await openStores(await cluster.nodes(2), 'test')
    const told = new Set<number>()
    await store.watch(({ revision }) => { told.add(revision) })
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let number = 0; number < 100; number++) {
        const key = `key-${writer}-${number}`
        const revision = await store.create(key, bytes('1')) as number
        await until(() => told.has(revision), () => `revision ${revision}`)
        await store.delete(key, revision)
      }
    })
    const over = new AbortController()
    const droppers = Array.from({ length: 3 }, async () => {
      for (let latest = 0; !over.signal.aborted;) latest = await other.compact(latest)
    })
    await Promise.all(writers)
    over.abort()
    await Promise.all(droppers)
  })

  test('expires keys after their last change', async (t, cluster) => {
    const [bus] = await cluster.nodes(1)
    const store = await bus.openStore('lease', 1)
    const { key, renewed } = await renewLate(store)
    await until(async () => await store.get(key) === undefined)
    const lifetime = performance.now() - renewed
    t.ok(lifetime > 900, `expired after ${lifetime} ms`)
    t.ok(await store.create(key, bytes('3')))
  })

  test('keeps stores apart and refuses names that no broker accepts', async (t, cluster) => {
    const [bus] = await cluster.nodes(1)
    const [first, second] = await Promise.all([bus.openStore('one'), bus.openStore('two_2-b')])
    await first.put('a', bytes('1'))
    t.equal(await second.get('a'), undefined)
    await t.rejects(bus.openStore('two.2'), { code: 'ERR_INVALID_PARAMETER' })
  })

  test('knows how old it was when a key was changed', async (t, cluster) => {
    const [bus] = await cluster.nodes(1)
    const store = await bus.openStore('test')
    await store.put('a', bytes('1'))
    const age = await store.age('a') as number
    t.ok(age >= 0, `${age} ms`)
    await turn(20)
    t.equal(await store.age('a'), age)
    await store.put('b', bytes('1'))
    t.ok(await store.age('b') as number >= age)
    t.equal(await store.age('never'), undefined)
  })
}

/** Changes a key in the last part of its lifetime of a second; on a busy machine it may be late, and tries another. */
async function renewLate (store: KeyStore): Promise<{ key: string, renewed: number }> {
  for (let number = 0; ; number++) {
    const key = `key-${number}`
    const created = performance.now()
    const revision = await store.create(key, bytes('1')) as number
    await until(() => performance.now() - created > 600)
    const renewed = performance.now()
    if (await store.update(key, bytes('2'), revision) !== undefined) return { key, renewed }
    const age = performance.now() - created
    if (age < 900) throw new Error(`${key} expired after ${age} ms`)
  }
}

function testWatches (test: DefineTest): void {
  test('watches all keys and their changes, by any node, in order', async (t, cluster) => {
    const [mine, other] = await openStores(await cluster.nodes(2), 'test')
    await mine.put('gone', bytes('x'))
    await mine.put('b', bytes('0'))
    await mine.put('a', bytes('1'))
    await mine.delete('gone')
    const inbox = new Inbox()
    const end = await mine.watch(entry => { inbox.push(line(entry)) })
    t.same(inbox.got, ['b=0', 'a=1'])
    await other.put('a', bytes('2'))
    // Of changes of a key in quick succession the broker may report the last one only.
    await inbox.count(3)
    await mine.put('c', bytes('3'))
    await other.delete('a')
    t.same(await inbox.count(5), ['b=0', 'a=1', 'a=2', 'c=3', 'a deleted'])
    end()
    await other.put('a', bytes('4'))
    await mine.put('a', bytes('5'))
    t.equal(inbox.got.length, 5)
  })

  test('watches an empty store', async (t, cluster) => {
    const [store] = await openStores(await cluster.nodes(1), 'test')
    const inbox = new Inbox()
    await store.watch(entry => { inbox.push(line(entry)) })
    t.same(inbox.got, [])
    await store.put('a', bytes('1'))
    t.same(await inbox.count(1), ['a=1'])
  })

  test('a watch continues after a loss of the connection', async (t, cluster) => {
    const [bus, otherBus] = await cluster.nodes(2)
    const [mine, other] = await openStores([bus, otherBus], 'test')
    await other.put('a', bytes('1'))
    await other.put('b', bytes('2'))
    const inbox = new Inbox()
    await mine.watch(entry => { inbox.push(line(entry)) })
    await cluster.cut(bus)
    await other.put('c', bytes('3'))
    await other.delete('b')
    await cluster.restore(bus)
    t.same(await inbox.count(4), ['a=1', 'b=2', 'c=3', 'b deleted'])
    await other.put('a', bytes('4'))
    t.same((await inbox.count(5)).slice(4), ['a=4'])
  })
}

async function openStores (buses: Bus[], name: string): Promise<KeyStore[]> {
  return await Promise.all(buses.map(bus => bus.openStore(name)))
}

async function flush (...buses: Bus[]): Promise<void> {
  await Promise.all(buses.map(bus => bus.flush()))
}

async function rejects (t: Test, promise: Promise<unknown>, fault: BusError['fault']): Promise<void> {
  const error = await withTimeout(() => fault, promise.then(() => undefined, (error: unknown) => error))
  t.ok(error instanceof BusError && !(error instanceof GodotError))
  t.match(error, { fault })
}

async function nextStatus (bus: Bus): Promise<boolean> {
  const told = new Promise<boolean>(resolve => {
    const end = bus.onStatus(isConnected => { end(); resolve(isConnected) })
  })
  return await withTimeout(() => 'a change of status', told)
}

async function turn (milliseconds = 5): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, milliseconds))
}

function line ({ key, value }: StoreEntry): string {
  return value === undefined ? `${key} deleted` : `${key}=${text(value)}`
}

function bytes (text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function text (bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes)
}
