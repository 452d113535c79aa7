import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import { memoryMount } from '../../helper/memory/memory-client.ts'
import { namesOf, SignalEmitter } from '../../../src/core/server/signals.ts'

interface Table { said: [word: string, times: number], done: [] }

const names = namesOf<Table>({ said: true, done: true })

function emitter () {
  const errors: unknown[] = []
  return {
    errors,
    signals: new SignalEmitter<Table>(names, (error, name) => { errors.push([name, (error as Error).message]) })
  }
}

t.test('calls listeners in order of registration, once() listeners once, removed ones never', async t => {
  const { signals } = emitter()
  const heard: string[] = []
  const first = (word: string) => { heard.push(`first ${word}`) }
  const never = () => { heard.push('never') }
  signals.on('said', first).once('said', (word, times) => { heard.push(`once ${word} ${times}`) }).on('said', never)
    .off('said', never)
  t.equal(signals.listenerCount('said'), 2)
  t.ok(signals.emit('said', 'a', 1))
  t.ok(signals.emit('said', 'b', 2))
  t.same(heard, ['first a', 'once a 1', 'first b'])
  signals.off('said', first)
  t.notOk(signals.emit('said', 'c', 3))
})

t.test('off() removes a once() listener', async t => {
  const { signals } = emitter()
  const listener = () => { t.fail('it was taken away') }
  signals.once('done', listener).off('done', listener)
  signals.emit('done')
})

t.test('adding or removing listeners during emit does not affect it', async t => {
  const { signals } = emitter()
  const heard: string[] = []
  const second = () => { heard.push('second') }
  signals.on('done', () => {
    signals.off('done', second)
    signals.on('done', () => { heard.push('later') })
  }).on('done', second)
  signals.emit('done')
  t.same(heard, ['second'])
})

t.test('an exception or rejection of a listener is reported and reaches neither emitter nor others', async t => {
  const { errors, signals } = emitter()
  let heard = 0
  signals.on('done', () => { throw new Error('thrown') }).on('done', async () => {
    throw new Error('rejected')
  }).on('done', () => { heard++ })
  signals.emit('done')
  await nextTurn()
  t.equal(heard, 1)
  t.same(errors, [['done', 'thrown'], ['done', 'rejected']])
})

t.test('an unknown name throws, also where it is not checked by TypeScript', async t => {
  const { signals } = emitter()
  const expected = { code: 'ERR_INVALID_PARAMETER', message: 'unknown signal nope: expected said, done' }
  t.throws(() => signals.on('nope' as never, () => {}), expected)
  t.throws(() => signals.once('nope' as never, () => {}), expected)
  const server = new WebSocketServer({ gdMpApi: true }, memoryMount)
  for (const source of [server, server.multiplayer, server.room('main'), server.monitor.events]) {
    t.throws(() => source.on('nope' as never, () => {}), { code: 'ERR_INVALID_PARAMETER' })
    t.doesNotThrow(() => source.off('nope' as never, () => {}))
  }
})
