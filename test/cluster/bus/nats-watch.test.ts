import type { JetStreamManager, JsMsg, PushConsumer } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import t, { type Test } from 'tap'
import { NatsStream } from '../../../src/cluster/bus/nats-stream.ts'
import { NatsWatch } from '../../../src/cluster/bus/nats-watch.ts'
import { stopTime } from '../../helper/clock.ts'
import { nextTurn } from '../../helper/memory/frame-client.ts'

// Responses of the broker that arrive after the watch was paused or started again.

/** A consumer of a broker that responds when the test says so. */
class FakeConsumer {
  isDeleted = false
  isStopped = false
  fail = (_error: Error): void => {}
  #answer = (_messages: { stop (): void }): void => {}
  #callback = (_message: JsMsg): void => {}
  readonly #pending: number

  constructor (pending: number) {
    this.#pending = pending
  }

  async info (): Promise<{ num_pending: number }> {
    return { num_pending: this.#pending }
  }

  async consume ({ callback }: { callback: (message: JsMsg) => void }): Promise<{ stop (): void }> {
    this.#callback = callback
    return await new Promise((resolve, reject) => { [this.#answer, this.fail] = [resolve, reject] })
  }

  answer (): void {
    this.#answer({ stop: () => { this.isStopped = true } })
  }

  /** Delivers the last change of a key. */
  deliver (key: string, revision: number): void {
    const message = { subject: `$KV.test.${key}`, seq: revision, data: new Uint8Array(0), info: { pending: 1 } }
    this.#callback(message as unknown as JsMsg)
  }

  async delete (): Promise<boolean> {
    this.isDeleted = true
    return true
  }
}

/** A watch, and how to let the broker create the consumers that it asks for. */
function openWatch (t: Test, pending = 0) {
  const received: string[] = []
  const asked: Array<(consumer: PushConsumer) => void> = []
  const manager = {
    streams: { info: async () => ({ created: 'now', state: { last_seq: 0 } }) },
    jetstream: () => ({
      consumers: { getPushConsumer: () => new Promise<PushConsumer>(resolve => { asked.push(resolve) }) }
    })
  }
  const create = async (its = pending): Promise<FakeConsumer> => {
    await nextTurn()
    const consumer = new FakeConsumer(its)
    asked.shift()!(consumer as unknown as PushConsumer)
    await nextTurn()
    return consumer
  }
  const connection = { isClosed: () => false } as NatsConnection
  const stream = new NatsStream(connection, manager as unknown as JetStreamManager, 'test')
  const watch = new NatsWatch(stream, ({ key, revision }) => { received.push(`${key} ${revision}`) }, () => {})
  t.teardown(() => { watch.pause() })
  return { watch, create, received }
}

t.test('a consumer that is created after a pause is deleted', async t => {
  const { watch, create } = openWatch(t)
  const started = watch.start()
  await nextTurn()
  watch.pause()
  const consumer = await create()
  await started
  t.ok(consumer.isDeleted)
})

t.test('messages that begin after the next start are stopped, and those of that start at the end', async t => {
  const { watch, create } = openWatch(t)
  const first = watch.start()
  const late = await create()
  const second = watch.start()
  const current = await create()
  current.answer()
  await second
  late.answer()
  await first
  t.ok(late.isStopped)
  t.ok(late.isDeleted)
  t.notOk(current.isStopped)
  watch.pause()
  t.ok(current.isStopped)
  t.ok(current.isDeleted)
})

t.test('a pause ends the wait for pending keys', async t => {
  const clock = stopTime(t)
  const { watch, create } = openWatch(t, 1)
  let isOver = false
  watch.start().then(() => { isOver = true })
  const consumer = await create()
  consumer.answer()
  await nextTurn()
  t.notOk(isOver)
  watch.pause()
  await nextTurn()
  t.ok(isOver)
  t.equal(clock.waiting(), 0)
})

t.test('keys are listed again, each is delivered once, when one has expired before it was delivered', async t => {
  const clock = stopTime(t)
  const { watch, create, received } = openWatch(t)
  const started = watch.start()
  const first = await create(3)
  first.answer()
  await nextTurn()
  first.deliver('a', 1)
  clock.advance(999)
  first.deliver('b', 2)
  clock.advance(999)
  t.notOk(first.isStopped, 'the wait for the next key begins anew with each')
  clock.advance(1)
  const second = await create(2)
  t.ok(first.isStopped && first.isDeleted)
  second.answer()
  first.deliver('d', 5)
  second.deliver('b', 2)
  second.deliver('c', 4)
  await started
  t.same(received, ['a 1', 'b 2', 'c 4'])
})

t.test('starting fails when the broker delivers no keys', async t => {
  const clock = stopTime(t)
  const { watch, create, received } = openWatch(t, 1)
  const failed = t.rejects(watch.start(), { name: 'BusError', fault: 'timeout' })
  for (let listing = 0; listing < 3; listing++) {
    const consumer = await create()
    consumer.answer()
    clock.advance(1000)
  }
  await failed
  t.same(received, [])
  t.equal(clock.waiting(), 0)
})

t.test('a consumer that cannot be read leaves no timer', async t => {
  const clock = stopTime(t)
  const { watch, create } = openWatch(t, 1)
  const started = watch.start()
  const consumer = await create()
  const failed = t.rejects(started, { message: 'no responders' })
  consumer.fail(new Error('no responders'))
  await failed
  t.equal(clock.waiting(), 0)
})
