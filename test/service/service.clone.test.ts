import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { root } from '../../scripts/root.ts'
import { startCommand } from '../helper/programs/service.ts'
import { temporaryFolder } from '../helper/temporary-folder.ts'

/** What a fresh clone has, as far as the service needs it. */
const sources = [
  'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'index.ts', 'app.ts', 'cli.ts',
  'service.ts', 'scripts', 'src', 'http', 'plugins', 'routes', 'web'
]

t.test('npm start in a fresh clone installs few packages and runs, with NODE_ENV=production', {
  timeout: 240_000
}, async t => {
  const clone = temporaryFolder(t)
  for (const source of sources) cpSync(join(root, source), join(clone, source), { recursive: true })
  const env = { NODE_ENV: 'production', npm_config_update_notifier: 'false' }
  const service = await startCommand(t, ['exec npm start'], env, clone, 200)
  const url = `http://127.0.0.1:${service.port}`
  for (const path of ['/readyz', '/docs/', '/dashboard', '/dashboard/client/client.js', '/metrics', '/asyncapi.json']) {
    t.equal((await fetch(url + path)).status, 200, path)
  }
  const installed = Object.keys(packagesOf(join(clone, 'node_modules/.package-lock.json')))
  const all = Object.keys(packagesOf(join(root, 'package-lock.json')))
  t.ok(installed.length < all.length / 5, `${installed.length} of ${all.length} packages`)
  t.notOk(existsSync(join(clone, 'node_modules/tap')))
  t.ok(existsSync(join(clone, 'node_modules/@nats-io/transport-node')), 'a node of a cluster can be started, too')
})

function packagesOf (lockFile: string): Record<string, unknown> {
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages
}
