import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { inLaterTurn, onePerTurn } from '../../src/transport/one-per-turn.ts'

t.test('the first piece of work runs at once, the others in order, one per turn', async t => {
  const done: string[] = []
  for (const name of ['a', 'b', 'c']) onePerTurn(() => { done.push(name) })
  inLaterTurn(() => { done.push('later') })
  t.same(done, ['a'])
  for (const expected of ['ab', 'abc', 'abclater']) {
    await turn()
    t.equal(done.join(''), expected)
  }
  await turn()
  onePerTurn(() => { done.push('d') })
  t.equal(done.at(-1), 'd', 'idle again')
})

t.test('work for a later turn does not run at once', async t => {
  await turn()
  let isDone = false
  inLaterTurn(() => { isDone = true })
  t.notOk(isDone)
  await turn()
  t.ok(isDone)
})

t.test('what work schedules runs before the next piece', async t => {
  await turn()
  const done: string[] = []
  for (const name of ['a', 'b']) {
    onePerTurn(() => {
      done.push(name)
      setImmediate(() => { done.push(`${name}, sent`) })
    })
  }
  while (done.length < 4) await turn()
  t.same(done, ['a', 'a, sent', 'b', 'b, sent'])
})

t.test('an exception does not keep other work from its turn', async t => {
  await turn()
  let isDone = false
  t.throws(() => {
    onePerTurn(() => {
      onePerTurn(() => { isDone = true })
      throw new Error('failed')
    })
  }, /failed/)
  await turn()
  t.ok(isDone)
})

t.test('work runs in the async context that it was given in', async t => {
  await turn()
  const context = new AsyncLocalStorage<number>()
  const seen: Array<number | undefined> = []
  for (const value of [1, 2, 3]) context.run(value, () => { onePerTurn(() => { seen.push(context.getStore()) }) })
  while (seen.length < 3) await turn()
  t.same(seen, [1, 2, 3])
})
