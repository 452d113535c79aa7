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

t.test('--quick and curves measure fewer servers, unless they are named', async t => {
  t.same(names(readCommandLine(['--quick']).peers), ['ws', 'us', 'us-own', 'us-hold', 'uws'])
  t.same(names(readCommandLine(['--quick', '--peers', 'ws,godot']).peers), ['ws', 'godot'])
  t.same(names(readCommandLine(['--all']).curvePeers), ['ws', 'us', 'uws'])
  t.ok(readCommandLine(['--all']).peers.length > 5)
})

t.test('--all selects scenarios and curves, by name from both', async t => {
  const { scenarios, curves } = readCommandLine(['--all'])
  t.same(names(scenarios), names(readCommandLine([]).scenarios))
  t.same(names(curves), names(readCommandLine(['--curves']).curves))
  const named = readCommandLine(['--all', '--only', 'idle,tls,peak-,sizes'])
  t.same(names(named.scenarios), ['peak-16m', 'tls-echo-64', 'tls-echo-16k', 'tls-room-32', 'tls-handshakes', 'idle'])
  t.same(names(named.curves), ['idle', 'sizes', 'tls-rooms'])
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
