import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { root } from '../../scripts/root.ts'

t.test('the benchmark of rooms measures busy rooms among idle ones', async t => {
  const selection = ['--only', 'messages', '--sockets', '192']
  const args = ['dist/bench/rooms.js', ...selection, '--rounds', '1', '--secs', '0.2']
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: root })
  t.equal(stderr, '', 'no message went to another room')
  const rows = stdout.split('\n').map(line => line.split(' | ')).filter(([name]) => /^\| \d/.test(name))
  t.same(rows.map(([name]) => name), ['| 10', '| 40'])
  for (const [name, cpu, , perSecond] of rows) t.ok(parseFloat(cpu) > 0 && parseFloat(perSecond) > 0, name)
})
