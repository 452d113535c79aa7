import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { root } from '../../scripts/root.ts'
import type { Figures } from '../../bench/load/job.ts'
import { temporaryFolder } from '../helper/temporary-folder.ts'

t.test('npm run bench measures the peers that the project installs', async t => {
  const json = join(temporaryFolder(t), 'figures.json')

  const selection = ['--only', 'room-16,handshakes,churn-500,tls-echo-64', '--peers', 'ws,us']
  const timing = ['--rounds', '1', '--warm', '0.1', '--secs', '0.2']
  // --ignore-scripts skips `prebench`, as the tests are already compiled.
  const args = ['run', '--silent', '--ignore-scripts', 'bench', '--', ...selection, ...timing, '--json', json]
  const { stdout, stderr } = await promisify(execFile)('npm', args, { cwd: root })
  t.match(stdout, /\| `room-16`, throughput \| 1\.00 \|/)

  const { figures } = JSON.parse(await readFile(json, 'utf8')) as { figures: Record<string, Record<string, Figures[]>> }
  t.same(Object.keys(figures), ['room-16', 'handshakes', 'churn-500', 'tls-echo-64'])
  for (const [scenario, peers] of Object.entries(figures)) {
    t.same(Object.keys(peers), ['ws', 'us'], scenario, { stderr })
    for (const [peer, [round]] of Object.entries(peers)) {
      const isPlausible = round?.perSecond > 0 && round.faults === 0 && round.p50 <= round.p99
      t.ok(isPlausible, `${scenario}, ${peer}`, { round, stderr })
    }
  }
})
