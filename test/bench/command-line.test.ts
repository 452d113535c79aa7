import t from 'tap'
import { readCommandLine } from '../../bench/command-line.ts'

const names = (rows: ReadonlyArray<{ name: string }>) => rows.map(({ name }) => name)

t.test('selects rows by name or by prefix, in the order of the table', async t => {
  const { scenarios, peers, command } = readCommandLine(['--only', 'room,rate', '--peers', 'us,ws'])
  t.same(names(scenarios), ['room-16', 'room-32', 'room-64', 'rate'])
  t.same(names(peers), ['ws', 'us'])
  t.same(names(readCommandLine(['--only', 'pipelined,fan-1000-']).scenarios), ['pipelined', 'fan-1000-16'])
  t.equal(command, 'npm run bench -- --only room,rate --peers us,ws')
})

t.test('--quick selects fewer scenarios, unless they are named', async t => {
  t.ok(readCommandLine(['--quick']).scenarios.length < readCommandLine([]).scenarios.length)
  t.same(names(readCommandLine(['--quick', '--only', 'one']).scenarios), ['one'])
})

t.test('--curves selects curves instead of scenarios', async t => {
  const { scenarios, curves } = readCommandLine(['--curves', '--only', 'idle,sizes'])
  t.same([names(scenarios), names(curves)], [[], ['idle', 'sizes']])
})

t.test('an invalid argument is an error that names it', async t => {
  t.throws(() => readCommandLine(['--only', 'rom']), { message: /^Unknown name rom: expected one of one, echo-64/ })
  t.throws(() => readCommandLine(['--peers', 'them']), { message: /^Unknown name them: expected one of ws, us/ })
  t.throws(() => readCommandLine(['--rounds', 'many']), { message: 'Invalid --rounds: expected a positive number' })
  t.throws(() => readCommandLine(['--fast']), { code: 'ERR_PARSE_ARGS_UNKNOWN_OPTION' })
})
