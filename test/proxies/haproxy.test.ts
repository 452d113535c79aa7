import { execFileSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import t from 'tap'
import { freePort } from '../helper/free-port.ts'
import { skipWithout } from '../helper/programs/skip-without.ts'
import { testProxy } from './contract.ts'
import { haproxy, isRoot } from './kinds.ts'
import { startProgram } from './start.ts'

testProxy(haproxy)

t.test('HAProxy started by root runs as a user of its own, without access to other files', {
  ...skipWithout('haproxy'), ...!isRoot && { skip: 'needs root' }, timeout: 60_000
}, async t => {
  const ports = { site: await freePort(), service: await freePort(), app: await freePort() }
  const { pid } = await startProgram(t, haproxy, (folder, proxy) => haproxy.configure(folder, { ...ports, proxy }))
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  for (const [name, option] of [['Uid', '-u'], ['Gid', '-g']]) {
    const id = execFileSync('id', [option, 'haproxy'], { encoding: 'utf8' }).trim()
    t.equal(new RegExp(`^${name}:\\t(\\d+)`, 'm').exec(status)?.[1], id, name)
  }
  t.equal(readlinkSync(`/proc/${pid}/root`), '/var/lib/haproxy')
})
