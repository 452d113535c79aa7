import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { root } from '../../scripts/root.ts'
import { findProgram } from '../../scripts/test/test-programs.mjs'
import { readEnvironment } from '../../src/environment.ts'
import { defaultOptions } from '../../src/options/defaults.ts'
import { startCommand } from '../helper/programs/service.ts'
import { skipWithout } from '../helper/programs/skip-without.ts'
import { pem } from '../helper/sockets/keys.ts'
import { temporaryFolder } from '../helper/temporary-folder.ts'
import { hosting } from '../proxies/hosting.ts'

const files = readdirSync(join(root, 'hosting'), { recursive: true, encoding: 'utf8' })
  .filter(file => /\.\w+$|Caddyfile$/.test(file))
const pages = readdirSync(join(root, 'docs')).filter(file => file.endsWith('.md'))
const unit = hosting('systemd/fastify-peer-server.service')

t.test('configurations in the documentation are files of hosting/', async t => {
  let blocks = 0
  for (const page of pages) {
    const text = readFileSync(join(root, 'docs', page), 'utf8')
    for (const [, block] of text.matchAll(/^```(?:nginx|caddyfile|haproxy|ini)\n(.*?)^```$/gms)) {
      blocks++
      t.ok(files.some(file => hosting(file).includes(block)), `${page}:\n${block}`)
    }
    for (const [path] of text.matchAll(/\bhosting\/[\w/-]*\.?\w+/g)) t.ok(existsSync(join(root, path)), `${page}: ${path}`)
  }
  t.ok(blocks > 0)
})

t.test('idle timeouts of proxies exceed the interval of pings', async t => {
  const timeouts = files.flatMap(file => [...hosting(file).matchAll(/(?:proxy_read_timeout|timeout tunnel) (\d+)s/g)]
    .map(([, seconds]) => Number(seconds)))
  t.equal(timeouts.length, 4)
  for (const seconds of timeouts) t.ok(seconds > 2 * defaultOptions.pingInterval, `${seconds} s`)
})

for (const [title, dropIn] of [['the unit', undefined], ['the unit with TLS of its own', 'own-tls.conf']] as const) {
  t.test(`systemd accepts ${title}, and finds it little exposed`, skipWithout('systemd-analyze'), async t => {
    const name = 'fastify-peer-server.service'
    const folder = temporaryFolder(t, {
      [name]: hosting(`systemd/${name}`, { '/usr/bin/node': process.execPath })
    })
    mkdirSync(join(folder, `${name}.d`))
    if (dropIn !== undefined) writeFileSync(join(folder, `${name}.d`, dropIn), hosting(`systemd/${dropIn}`))
    const analyze = (...args: string[]): { status: number | null, output: string } => {
      const { status, stdout, stderr } = spawnSync(findProgram('systemd-analyze')!, [...args, join(folder, name)], {
        encoding: 'utf8'
      })
      return { status, output: stdout + stderr }
    }
    t.same(analyze('verify'), { status: 0, output: '' })
    const { status, output } = analyze('security', '--offline=true', '--threshold=20', '--no-pager')
    t.equal(status, 0, output)
  })
}

t.test('a drop-in for TLS sets variables that the service knows, to credentials of the unit', async t => {
  const dropIn = hosting('systemd/own-tls.conf')
  const folder = temporaryFolder(t, { 'privkey.pem': pem('leaf.key'), 'fullchain.pem': pem('leaf.pem') })
  const [, text] = /^Environment=(.*)$/m.exec(dropIn)!
  const env = Object.fromEntries(text.replaceAll('%d', folder).split(' ').map(pair => pair.split('=')))
  t.match(readEnvironment({ ...env, ADMIN_TOKEN: 'x'.repeat(32) }).server, {
    port: 443, privateKey: pem('leaf.key'), sslCertificate: pem('leaf.pem')
  })
  const credentials = [...dropIn.matchAll(/^LoadCredential=([^:]+):/gm)].map(([, name]) => name)
  t.same(credentials, ['privkey.pem', 'fullchain.pem'])
})

t.test('the unit is started again however often it fails', async t => {
  t.match(unit, /^Restart=on-failure$/m)
  t.match(unit.split('[Service]')[0], /^StartLimitIntervalSec=0$/m)
})

t.test('the unit allows all address families that the service uses', skipWithout('strace'), async t => {
  const canTrace = spawnSync(findProgram('strace')!, ['-o', '/dev/null', process.execPath, '--version']).status === 0
  if (!canTrace) return t.comment('not tested: this machine does not allow tracing')
  const traced = join(temporaryFolder(t), 'sockets')
  const strace = [findProgram('strace')!, '-f', '--seccomp-bpf', '-qq', '-e', 'trace=socket', '-I', '2', '-o', traced]
  // For the log Fastify looks up the addresses of the machine that 0.0.0.0 stands for.
  const command = ['exec "$0" "$@"', ...strace, process.execPath, join(root, 'dist/service.js')]
  const service = await startCommand(t, command, { HOST: '0.0.0.0', ADMIN_TOKEN: 'x'.repeat(32) })
  await service.stop()
  const used = new Set([...readFileSync(traced, 'utf8').matchAll(/socket\((AF_\w+)/g)].map(([, family]) => family))
  const [, allowed] = /^RestrictAddressFamilies=(.*)$/m.exec(unit)!
  t.ok(used.has('AF_INET'))
  t.same([...used].filter(family => !allowed.split(' ').includes(family)), [])
})

t.test('the unit starts what is built, with variables that the service knows', async t => {
  const [, script] = /^ExecStart=\S+ (.*)$/m.exec(unit)!
  t.equal(script, JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts.start.replace('node ', ''))
  const [, variables] = /^Environment=(.*)$/m.exec(unit)!
  const env = Object.fromEntries(variables.split(' ').map(pair => pair.split('=')))
  t.equal(readEnvironment({ ...env, ADMIN_TOKEN: 'x'.repeat(32) }).stateFile, env.STATE_FILE)
  const [, folder] = /^StateDirectory=(.*)$/m.exec(unit)!
  t.equal(env.STATE_FILE, `/var/lib/${folder}/state.json`)
})
