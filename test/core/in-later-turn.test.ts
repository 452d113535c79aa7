import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { inLaterTurn } from '../../src/core/in-later-turn.ts'

t.test('work runs in order, one piece per turn, and what it schedules before the next piece', async t => {
  const done: string[] = []
  for (const name of ['a', 'b']) {
    inLaterTurn(() => {
      done.push(name)
      setImmediate(() => { done.push(`${name}, sent`) })
    })
  }
  t.same(done, [])
  await turn()
  t.same(done, ['a'])
  while (done.length < 4) await turn()
  t.same(done, ['a', 'a, sent', 'b', 'b, sent'])
})

t.test('work that is added by work waits for another turn', async t => {
  const done: string[] = []
  inLaterTurn(() => {
    done.push('a')
    inLaterTurn(() => { done.push('b') })
  })
  await turn()
  t.same(done, ['a'])
  await turn()
  t.same(done, ['a', 'b'])
})

t.test('an exception does not keep other work from its turn', async t => {
  const caught = new Promise(resolve => { process.setUncaughtExceptionCaptureCallback(resolve) })
  t.teardown(() => { process.setUncaughtExceptionCaptureCallback(null) })
  inLaterTurn(() => { throw new Error('failed') })
  const other = new Promise<void>(resolve => { inLaterTurn(resolve) })
  t.match(await caught, { message: 'failed' })
  await t.resolves(other)
})

t.test('work runs in the async context in which it was scheduled', async t => {
  const context = new AsyncLocalStorage<number>()
  const seen: Array<number | undefined> = []
  for (const value of [1, 2, 3]) context.run(value, () => { inLaterTurn(() => { seen.push(context.getStore()) }) })
  while (seen.length < 3) await turn()
  t.same(seen, [1, 2, 3])
})
