import t from 'tap'
import { MemoryConnection } from './memory-connection.ts'

/** A receiver that records its calls. */
function receiver () {
  const told: string[] = []
  return {
    told,
    onData: (bytes: Uint8Array, length: number) => {
      told.push(Buffer.from(bytes.subarray(0, length)).toString())
      bytes.fill(0)
    },
    onClientEnd: () => { told.push('client end') },
    onGone: () => { told.push('gone') }
  }
}

t.test('delivers chunks from before open(); the receiver may overwrite them', async t => {
  const connection = new MemoryConnection()
  const bytes = Buffer.from('early')
  connection.deliver(bytes)
  const { told, ...to } = receiver()
  connection.open(to)
  t.same(told, ['early'])
  t.equal(bytes.toString(), 'early')
})

t.test('a paused connection queues chunks', async t => {
  const connection = new MemoryConnection()
  const { told, ...to } = receiver()
  connection.open(to)
  connection.pause()
  connection.deliver(Buffer.from('one'))
  connection.deliver(Buffer.from('two'))
  t.same(told, [])
  connection.resume()
  t.same(told, ['one', 'two'])
})

t.test('take() returns written bytes once; writes after end() are ignored', async t => {
  const connection = new MemoryConnection()
  connection.cork()
  connection.write(Buffer.from('a'))
  connection.write(Buffer.from('b'))
  connection.uncork()
  t.equal(connection.take().toString(), 'ab')
  connection.end()
  connection.write(Buffer.from('c'))
  t.equal(connection.take().length, 0)
  t.ok(connection.isEnded)
})

t.test('onGone is called once, asynchronously', async t => {
  const connection = new MemoryConnection('10.0.0.1', 7)
  const { told, ...to } = receiver()
  connection.open(to)
  connection.disconnect()
  connection.destroy()
  connection.deliver(Buffer.from('late'))
  t.same(told, [])
  await new Promise<void>(resolve => connection.whenWritten(resolve))
  t.same(told, ['gone'])
  t.same([connection.address, connection.port, connection.bufferedAmount], ['10.0.0.1', 7, 0])
})
