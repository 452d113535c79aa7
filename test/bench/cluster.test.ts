import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { root } from '../../scripts/root.ts'
import { skipWithout } from '../helper/programs/skip-without.ts'

// Without NODE_OPTIONS, with which tap would instrument these processes.
const { NODE_OPTIONS, ...env } = process.env

t.test('the benchmark of clusters measures both ways to publish packets', skipWithout('nats-server'), async t => {
  const selection = ['--quick', '--secs', '0.2', '--only', 'busy', '--systems', 'us,us-packets', '--nodes', '2']
  const args = ['dist/bench/cluster.js', ...selection]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: root, env })
  t.equal(stderr, '', 'no message went to another room')
  const rows = stdout.split('\n').filter(line => /^\| (rooms span|each room)/.test(line))
    .map(line => line.split('|').map(cell => cell.trim()))
  t.equal(rows.length, 4, stdout)
  for (const [, layout, nodes, system, deliveries, , , cpu, brokerCpu, brokerBytes] of rows) {
    t.equal(nodes, '2')
    t.ok(parseFloat(deliveries) > 0 && parseFloat(cpu) > 0 && parseFloat(brokerCpu) >= 0, `${layout}, ${system}`)
    // Heartbeats of nodes cross the broker in any case.
    const isOnOneNode = layout === 'each room on one node'
    t.equal(parseFloat(brokerBytes) < 4, isOnOneNode, `${layout}, ${system}: ${brokerBytes}`)
  }
})
