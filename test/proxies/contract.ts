import { once } from 'node:events'
import { request, type RequestOptions } from 'node:https'
import { json } from 'node:stream/consumers'
import Fastify from 'fastify'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import peerServer, { adminRoutes } from '../../index.ts'
import { needsBrowser, openPage } from '../helper/browser/browser.ts'
import { signIn } from '../helper/browser/dashboard.ts'
import { openEvents } from '../helper/sockets/event-source.ts'
import { pem } from '../helper/sockets/keys.ts'
import { startService, type Service } from '../helper/programs/service.ts'
import { skipWithout } from '../helper/programs/skip-without.ts'
import { authorize, execute } from '../helper/browser/swagger-ui.ts'
import { withTimeout } from '../helper/with-timeout.ts'
import type { ProxyKind } from './kinds.ts'
import { startProxy } from './start.ts'

const token = 'a token of more than thirty-two characters'
const authorization = `Bearer ${token}`
const PROXY = '127.0.0.1'
const CLIENT = '127.0.0.2'
const ca = pem('root.pem')

interface Site { readonly kind: ProxyKind, readonly port: number, readonly url: string }

/**
 * What works through a proxy with TLS: the service at the root of a host and below a stripped prefix, and an app that
 * knows its prefix. Swagger UI takes a browser several seconds and depends on the path alone: one proxy is enough.
 */
export function testProxy (kind: ProxyKind, { withSwaggerUi = false } = {}): void {
  t.test(kind.command, { ...skipWithout(kind.command), timeout: 120_000 }, async t => {
    const service = await startService(t, {
      ADMIN_TOKEN: token,
      TRUST_PROXY: PROXY,
      PING_INTERVAL: '1',
      CLOSE_TIMEOUT: '0.3'
    })
    const { proxy, site: root } = await startProxy(t, kind, { service: service.port, app: await startApp(t) })
    const site = siteAt(kind, proxy)
    await t.test('the service works at the root of a host', async t => { await useRoot(t, siteAt(kind, root)) })
    await t.test('clients join with wss, with their own address', async t => { await joinBoth(t, site) })
    await t.test('event streams are passed on at once', async t => { await followBoth(t, site) })
    await t.test('documents name the service from outside', async t => { await readDocuments(t, site) })
    await t.test('a thousand ids in a query are accepted', async t => {
      for (const url of [`${site.url}/play`, siteAt(kind, root).url]) await sendToMany(t, url)
    })
    await t.test('escaped slashes stay escaped', async t => {
      for (const url of [`${site.url}/play`, siteAt(kind, root).url]) await liftBan(t, service, url)
    })
    const { idlePath, http10Path } = kind
    if (idlePath !== undefined) {
      await t.test('pings outlast idle timeouts', async t => { await stayIdle(t, site, idlePath) })
    }
    if (http10Path !== undefined) {
      await t.test('an upstream connection of HTTP/1.0 works', async t => { await useHttp10(t, site, http10Path) })
    }
    await t.test(withSwaggerUi ? 'dashboard and Swagger UI in a browser' : 'the dashboard in a browser', needsBrowser,
      async t => { await browse(t, site, withSwaggerUi) })
  })
}

function siteAt (kind: ProxyKind, port: number): Site {
  return { kind, port, url: `https://localhost:${port}` }
}

async function useRoot (t: Test, site: Site): Promise<void> {
  const events = await openEvents(t, `${site.url}/api/v1/events?types=peer_connected`, { authorization })
  await join(t, site, '/ws')
  t.match((await events.next('peer_connected')).data, { address: CLIENT })
  t.match((await ask(site, '/api/v1/peers')).body.items, [{ address: CLIENT, state: 'open' }])
  t.same((await ask(site, '/asyncapi.json')).body.servers.peerServer, {
    host: `localhost:${site.port}`, protocol: 'wss'
  })
}

/** An app with the plugin below /kept/. Its clients are not pinged. */
async function startApp (t: Test): Promise<number> {
  const app = Fastify({ trustProxy: PROXY })
  t.teardown(async () => { await app.close() })
  await app.register(peerServer, { path: '/kept/ws', pingInterval: 0, closeTimeout: 0.3 })
  await app.register(adminRoutes, { prefix: '/kept/api', token })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app.peerServer.port
}

async function joinBoth (t: Test, site: Site): Promise<void> {
  for (const [socket, api] of [['/play/ws', '/play/api/v1'], ['/kept/ws', '/kept/api']]) {
    const { readyState, OPEN } = await join(t, site, socket)
    t.equal(readyState, OPEN)
    const { status, body } = await ask(site, `${api}/peers`)
    t.equal(status, 200)
    t.match(body.items, [{ address: CLIENT, state: 'open' }], socket)
  }
}

async function followBoth (t: Test, site: Site): Promise<void> {
  for (const [socket, api, name] of [
    ['/play/ws', '/play/api/v1', 'peer_connected'], ['/kept/ws', '/kept/api', 'client_connected']
  ]) {
    const events = await openEvents(t, `${site.url}${api}/events`, { authorization })
    t.equal(events.status, 200)
    await join(t, site, socket)
    t.match((await events.next(name)).data, { address: CLIENT }, 'an event arrives while the stream is open')
  }
}

async function readDocuments (t: Test, site: Site): Promise<void> {
  const { body: { servers: [{ url }] } } = await ask(site, '/play/openapi.json')
  t.equal(new URL(url, `${site.url}/play/openapi.json`).href, `${site.url}/play/`)
  t.same((await ask(site, '/play/asyncapi.json')).body.servers.peerServer, {
    host: `localhost:${site.port}`,
    pathname: '/play',
    protocol: 'wss'
  })
  const { status, headers } = await ask(site, '/play/docs/static/index.html')
  t.equal(status, 308)
  t.equal(new URL(headers.location!, `${site.url}/play/docs/static/index.html`).href, `${site.url}/play/docs/`)
}

/** Sends a packet to as many peers as one request can name. */
async function sendToMany (t: Test, url: string): Promise<void> {
  const ids = Array.from({ length: 1000 }, (_, i) => 2 ** 31 - 1 - i).join()
  const headers = { authorization, 'content-type': 'text/plain', 'content-length': 2 }
  const path = `/api/v1/packets?${String(new URLSearchParams({ ids }))}`
  const { status, body } = await ask({ url }, path, { method: 'POST', headers }, 'hi')
  t.same([status, body], [202, { recipients: 0 }], url)
}

/** Lifts the ban of a range, whose path has an escaped slash, at this URL of the service. */
async function liftBan (t: Test, service: Service, url: string): Promise<void> {
  const headers = { authorization, 'content-type': 'application/json' }
  const body = JSON.stringify({ address: '192.0.2.0/24' })
  t.equal((await service.api('/bans', { method: 'POST', headers, body })).status, 201)
  t.equal((await ask({ url }, '/api/v1/bans/192.0.2.0%2F24', { method: 'DELETE' })).status, 204, url)
}

/** Of two clients that say nothing, the one that is pinged stays although it came first; that of the app is not. */
async function stayIdle (t: Test, site: Site, path: string): Promise<void> {
  const socket = await join(t, site, path)
  let pings = 0
  socket.on('ping', () => { pings++ })
  const closed = once(await join(t, site, '/kept/ws'), 'close')
  t.equal((await withTimeout(() => 'the idle timeout', closed))[0], 1006)
  t.equal(socket.readyState, WebSocket.OPEN)
  t.ok(pings > 0)
}

/** HTTP/1.0 has no upgrades and no chunks. */
async function useHttp10 (t: Test, site: Site, path: string): Promise<void> {
  t.equal((await ask(site, `${path}/api/v1/server`)).status, 200)
  const events = await openEvents(t, `${site.url}${path}/api/v1/events?types=peer_connected`, { authorization })
  const { id } = await peerOf(t, site)
  t.match((await events.next('peer_connected')).data, { id })
  const socket = new WebSocket(`wss://localhost:${site.port}${path}/ws`, { ca })
  const refused = once(socket, 'unexpected-response')
  const [, response] = await withTimeout(() => 'a refusal over HTTP/1.0', refused)
  t.equal(response.statusCode, 426)
  response.resume()
}

/** A new peer of the service. */
async function peerOf (t: Test, site: Site): Promise<{ id: number }> {
  await join(t, site, '/play/ws')
  const { body } = await ask(site, '/play/api/v1/peers?sort=connectedAt&order=desc')
  return body.items[0]
}

async function browse (t: Test, site: Site, withSwaggerUi: boolean): Promise<void> {
  const { page, problems } = await openPage(t)
  const { id } = await peerOf(t, site)
  await page.goto(`${site.url}/play/dashboard`)
  await signIn(page, token)
  await page.locator('#endpoint', { hasText: `wss://localhost:${site.port}/play/ws ` }).waitFor()
  await page.locator(`#peers tbody tr[data-id="${id}"]`, { hasText: CLIENT }).waitFor()
  const joined = await peerOf(t, site)
  await page.locator('#events li', { hasText: `joined ${joined.id} from ${CLIENT}` }).waitFor()
  if (withSwaggerUi) await tryOut(t, page)
  t.same(problems.filter(problem => !/\/api\/v1\/|401/.test(problem)), [])
}

async function tryOut (t: Test, page: Page): Promise<void> {
  await page.getByText('API reference').click()
  await authorize(page, token)
  const { status, body } = await execute(page, 'getServer')
  t.equal(status, '200')
  t.match(JSON.parse(body), { listening: true, path: '/ws' })
  t.equal(new URL(page.url()).pathname.replace(/\/$/, ''), '/play/docs')
}

/** A client that has joined. */
export async function join (t: Test, { port }: Pick<Site, 'port'>, path: string): Promise<WebSocket> {
  const socket = new WebSocket(`wss://localhost:${port}${path}`, { ca, localAddress: CLIENT, family: 4 })
  t.teardown(() => { socket.terminate() })
  await withTimeout(() => `a handshake at ${path}`, once(socket, 'open'))
  return socket
}

/** Sends a request of an administrator. */
export async function ask (
  { url }: Pick<Site, 'url'>, path: string, options: RequestOptions = {}, sentBody?: string
): Promise<{ status: number, headers: Record<string, string | undefined>, body: any }> {
  const sent = request(url + path, { ca, agent: false, headers: { authorization }, ...options }).end(sentBody)
  const [response] = await withTimeout(() => `a response at ${path}`, once(sent, 'response'))
  const { statusCode: status, headers } = response
  const isJson = /^application\/(problem\+)?json/.test(headers['content-type'])
  const body = isJson ? await json(response) : response.resume()
  return { status, headers, body }
}
