import t from 'tap'
import { LastNumbers } from '../../../src/cluster/message/last-numbers.ts'

t.test('counts what is lost between two messages of a node', async t => {
  const numbers = new LastNumbers()
  t.equal(numbers.arrived(1, 5), 0, 'what was sent before is unknown')
  t.equal(numbers.arrived(1, 6), 0)
  t.equal(numbers.arrived(1, 9), 2)
  t.equal(numbers.reported(1, 12), 3)
  t.equal(numbers.arrived(1, 12), undefined, 'late')
  t.equal(numbers.arrived(2, 3), 0, 'of another node')
})

t.test('counts what is lost before the first message if it knows after which number to expect messages', async t => {
  for (const method of ['arrived', 'reported'] as const) {
    const numbers = new LastNumbers()
    t.ok(numbers.isUnknown(1))
    numbers.expectAfter(1, 5)
    t.notOk(numbers.isUnknown(1))
    t.equal(numbers[method](1, 8), method === 'arrived' ? 2 : 3)
    numbers.expectAfter(1, 20)
    t.equal(numbers.arrived(1, 9), 0, 'once one has arrived its number counts')
    numbers.forget(1)
    t.ok(numbers.isUnknown(1))
  }
})

t.test('messages up to the number after which they are expected are not late, and hide no loss', async t => {
  const numbers = new LastNumbers()
  numbers.expectAfter(1, 5)
  t.equal(numbers.arrived(1, 4), 0)
  t.equal(numbers.arrived(1, 5), 0)
  t.equal(numbers.arrived(1, 7), 1)
})

t.test('numbers that the node has not used are not lost', async t => {
  for (const method of ['arrived', 'reported'] as const) {
    const numbers = new LastNumbers()
    numbers.expectAfter(1, 5)
    t.equal(numbers[method](1, 103, 100), method === 'arrived' ? 2 : 3)
    t.equal(numbers[method](1, 105, 100), method === 'arrived' ? 1 : 2)
    t.equal(numbers.arrived(1, 104, 100), undefined, 'late')
  }
})

t.test('compares the lower 32 bits of numbers in messages with whole numbers in heartbeats and responses', async t => {
  const numbers = new LastNumbers()
  const round = 2 ** 32
  numbers.expectAfter(1, round - 3)
  t.equal(numbers.arrived(1, round - 2), 0)
  t.equal(numbers.arrived(1, 0), 1, 'after the last number of 32 bits')
  t.equal(numbers.arrived(1, round - 1), undefined, 'late')
  t.equal(numbers.reported(1, round + 4), 4)
  t.equal(numbers.arrived(1, 5), 0)
  t.equal(numbers.arrived(1, 5), undefined, 'late')
  t.equal(numbers.reported(1, round + 5), 0)
  numbers.forget(1)
  numbers.expectAfter(1, 3 * round + 7)
  t.equal(numbers.arrived(1, 10), 2)
  t.equal(numbers.arrived(1, 2 ** 31 + 9), 2 ** 31 - 2)
  t.equal(numbers.arrived(1, 2 ** 31 + 12), 2, 'more than 2^31 messages after the first one')
})
