import { once } from 'node:events'
import t, { type Test } from 'tap'
import type { WebSocketServer } from '../../index.ts'
import { withTimeout } from '../helper/with-timeout.ts'
import { exchange, type Address, type Answer } from './exchange.ts'
import type { HostKind, HostRequest, Mount, Paths, RunningHost } from './host-kind.ts'
import { kinds } from './kinds.ts'
import { mountBelow } from './mount.ts'
import { offerUpgrades } from './offers.ts'
import { startHost } from './start.ts'
import { useOurs } from './use-ours.ts'

const usualPaths: Paths = { socket: '/game/ws', api: '/game/api' }

/** What can be seen of a host from outside. */
interface Observation { readonly answers: readonly Answer[], readonly offers: readonly string[], readonly sockets: unknown }

// Most of the time goes into waiting for servers that do not answer.
t.jobs = 8

const pattern = new RegExp(process.env.HOST_KIND ?? '')

for (const kind of Object.values(kinds).flat().filter(({ name }) => pattern.test(name))) {
  t.test(kind.name, { buffered: true }, async t => {
    const without = await observeWithoutUs(t, kind)
    t.same(without.answers.map(({ status }) => status), kind.requests.map(({ status }) => status), 'the host does what it should')
    if (kind.sockets !== undefined) t.same(without.sockets, kind.expected, 'so do its sockets')
    await observeWithUs(t, kind, without)
  })
}

async function observeWithoutUs (t: Test, kind: HostKind): Promise<Observation> {
  const { host } = await start(t, kind)
  const observation = await observe(host, kind)
  await host.close()
  return observation
}

/** The host is the same before and after our endpoint is used, and closes in time with a client connected. */
async function observeWithUs (t: Test, kind: HostKind, expected: Observation): Promise<void> {
  let server: WebSocketServer | undefined
  const { mount = mountBelow(usualPaths), paths = usualPaths } = kind
  const { host } = await start(t, kind, async app => { server = await mount(app); return server })
  const address = addressOf(host, kind)
  const { answers, offers, sockets } = await observe(host, kind)
  for (const [index, answer] of answers.entries()) t.same(answer, expected.answers[index], `responds as without us: ${describe(kind.requests[index])}`)
  t.same(offers, expected.offers, 'responds to upgrades it does not know as without us')
  t.same(sockets, expected.sockets, 'its sockets work as without us')
  const client = await useOurs(t, address, server!, paths, kind)
  const closed = once(client, 'close')
  // The other hosts of this process may keep it busy for longer than the option is.
  server!.change({ closeTimeout: 4 })
  await withTimeout(() => 'the host to close', host.close())
  t.equal((await withTimeout(() => 'the end of the client', closed))[0], 1001)
}

async function start (t: Test, kind: HostKind, mount?: Mount): Promise<{ host: RunningHost }> {
  const host = await startHost(kind, mount)
  t.teardown(async () => await host.close())
  // Inside an object: an app is thenable.
  return { host }
}

function addressOf ({ port }: RunningHost, { options }: HostKind): Address {
  return { port, isTls: options !== undefined && 'https' in options() }
}

function describe ({ method = 'GET', path }: HostRequest): string {
  return `${method} ${path}`
}

async function observe (host: RunningHost, kind: HostKind): Promise<Observation> {
  const { requests, mask, sockets } = kind
  const address = addressOf(host, kind)
  const answers = await exchange(address, requests, mask)
  const offers = await offerUpgrades(address, requests[0].path, mask)
  const observation = { answers, offers, sockets: await sockets?.(host.port) }
  host.disconnect()
  return observation
}
