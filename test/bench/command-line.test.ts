import t from 'tap'
import { readCommandLine } from '../../bench/command-line.ts'

const names = (rows: ReadonlyArray<{ name: string }>) => rows.map(({ name }) => name)

t.test('names choose rows, scenarios by how they start', async t => {
  const { scenarios, peers, command } = readCommandLine(['--only', 'room,rate', '--peers', 'us,ws'])
  t.same(names(scenarios), ['room-16', 'room-32', 'room-64', 'rate'])
  t.same(names(peers), ['ws', 'us'])
  t.same(names(readCommandLine(['--only', 'pipelined,fan-1000-']).scenarios), ['pipelined', 'fan-1000-16'])
  t.equal(command, 'npm run bench -- --only room,rate --peers us,ws')
})

t.test('--quick measures less, unless something is asked for by name', async t => {
  t.ok(readCommandLine(['--quick']).scenarios.length < readCommandLine([]).scenarios.length)
  t.same(names(readCommandLine(['--quick', '--only', 'one']).scenarios), ['one'])
})

t.test('--curves draws curves instead, those that are named', async t => {
  const { scenarios, curves } = readCommandLine(['--curves', '--only', 'idle,sizes'])
  t.same([names(scenarios), names(curves)], [[], ['idle', 'sizes']])
})

t.test('what it does not know it names', async t => {
  t.throws(() => readCommandLine(['--only', 'rom']), { message: /^rom: there is one, echo-64/ })
  t.throws(() => readCommandLine(['--peers', 'them']), { message: /^them: there is ws, us/ })
  t.throws(() => readCommandLine(['--rounds', 'many']), { message: '--rounds must be a number over 0' })
  t.throws(() => readCommandLine(['--fast']), { code: 'ERR_PARSE_ARGS_UNKNOWN_OPTION' })
})
