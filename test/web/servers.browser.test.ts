import type { Page, Route } from 'playwright-core'
import t, { type Test } from 'tap'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { startApp } from '../helper/app.ts'
import { needsBrowser } from '../helper/browser/browser.ts'
import { eventLine, unexpected, visitDashboard } from '../helper/browser/dashboard.ts'
import { resize } from '../helper/browser/resize.ts'
import { accept } from '../helper/internals.ts'
import { MemoryConnection } from '../helper/memory/memory-connection.ts'
import { until } from '../helper/until.ts'

// For functions that run in the page; a string would not do, because the policy of the page forbids eval.
declare const document: any

const options = { ...needsBrowser, timeout: 180_000 }
const quiet = { pingInterval: 0, closeTimeout: 0.3, maxPeersPerAddress: 0 }

/** Starts the service with two servers that have rooms and one on its own port, and opens its dashboard. */
async function openDashboard (t: Test, maxEventStreams?: number) {
  const admin = { auth: false as const, ...(maxEventStreams === undefined ? {} : { maxEventStreams }) }
  const { service, port } = await startApp(t, {
    server: {
      ...quiet,
      rooms: true,
      onHandshake: async ({ query: { wait } }) => { if (wait !== undefined) await new Promise(() => {}) }
    },
    more: [
      { ...quiet, name: 'other', path: '/other', rooms: true },
      { ...quiet, name: 'separate', port: 0, bindIp: '127.0.0.1' }
    ],
    admin
  })
  const { page, problems } = await visitDashboard(t, `http://127.0.0.1:${port}`)
  const servers = service as unknown as Record<string, WebSocketServer>
  return { page, problems, servers, server: service.peerServer, isReady: async () => { await isListening(page) } }
}

async function isListening (page: Page): Promise<void> {
  await page.locator('#status[data-state=success]').waitFor()
}

const row = (page: Page, table: string, id: number | string) => page.locator(`#${table} tbody tr[data-id="${id}"]`)

t.test('shows nothing of a server once another one is selected', options, async t => {
  const { page, problems, server, isReady } = await openDashboard(t)
  await isReady()
  accept(server, new MemoryConnection('203.0.113.6', 4000))
  const [{ id }] = server.peers()
  await row(page, 'peers', id).waitFor()
  await row(page, 'rooms', 'main').waitFor()
  await page.route('**/api/v1/other/**', async route => { await route.fulfill({ status: 502 }) })
  await page.selectOption('#server', 'other')
  await row(page, 'peers', id).waitFor({ state: 'detached' })
  await row(page, 'rooms', 'main').waitFor({ state: 'detached' })
  await page.locator('#peers-problem', { hasText: 'the service responded with 502' }).waitFor()
  t.equal(await page.isEnabled('#listen'), false)
  t.notMatch(await page.textContent('#endpoint'), '/ws')

  await page.unrouteAll()
  await isReady()
  t.equal(await page.isEnabled('#listen'), true)
  t.match(await page.textContent('#endpoint'), '/other')
  await row(page, 'rooms', 'main').waitFor()
  t.same(unexpected(problems, 'status of 502'), [])
})

t.test('a window of 320 px, or a page at 400 %, does not scroll sideways', options, async t => {
  const { page, isReady } = await openDashboard(t)
  await isReady()
  await resize(page, { width: 320, height: 640 })
  t.equal(await page.evaluate('document.documentElement.scrollWidth'), 320)
})

t.test('a late response does not open the dialog of another room or server', options, async t => {
  const { page, problems, server, isReady } = await openDashboard(t)
  await isReady()
  for (const name of ['arena-1', 'arena-2']) server.openRoom(name, { maxPeers: 7 })
  await row(page, 'rooms', 'arena-2').waitFor()
  const hold = async () => {
    let pending: Route | undefined
    await page.route('**/rooms/arena-1', route => { pending = route }, { times: 1 })
    await row(page, 'rooms', 'arena-1').locator('.change').click()
    await until(() => pending !== undefined)
    return pending!
  }
  const title = async () => await page.textContent('#room-title')
  const first = await hold()
  await row(page, 'rooms', 'arena-2').locator('.change').click()
  await page.getByRole('heading', { name: 'Change room arena-2' }).waitFor()
  await page.fill('#room-dialog [name=maxPeers]', '9')
  const received = page.waitForResponse('**/rooms/arena-1')
  await first.continue()
  await (await received).finished()
  await page.evaluate('new Promise(requestAnimationFrame)')
  t.equal(await title(), 'Change room arena-2')
  t.equal(await page.inputValue('#room-dialog [name=maxPeers]'), '9')
  await page.keyboard.press('Escape')

  const second = await hold()
  await page.selectOption('#server', 'other')
  await isReady()
  const late = page.waitForResponse('**/rooms/arena-1')
  await second.continue()
  await (await late).finished()
  await page.evaluate('new Promise(requestAnimationFrame)')
  t.equal(await page.locator('#room-dialog').isVisible(), false)
  t.same(unexpected(problems), [])
})

t.test('shows the latest state of the server, whatever order the responses arrive in', options, async t => {
  const { page, problems, server, isReady } = await openDashboard(t)
  await isReady()
  let old: Route | undefined
  await page.route('**/api/v1/server', route => { old = route }, { times: 1 })
  await server.stop()
  await until(() => old !== undefined)
  const response = await old!.fetch()
  server.change({ stopCode: 1012 })
  await server.listen()
  await page.locator('#stop-code', { hasText: '1012' }).waitFor({ state: 'attached' })
  const received = page.waitForResponse('**/api/v1/server')
  await old!.fulfill({ response })
  await (await received).finished()
  await page.evaluate('new Promise(requestAnimationFrame)')
  t.equal(await page.textContent('#stop-code'), '1012')
  t.same(unexpected(problems), [])
})

t.test('an action that is running cannot be repeated, though the state is loaded meanwhile', options, async t => {
  const { page, problems, server, isReady } = await openDashboard(t)
  await isReady()
  let sending: Route | undefined
  await page.route('**/api/v1/packets*', route => { sending = route })
  await page.click('#send')
  await page.fill('#send-dialog textarea', 'hello')
  await page.click('#send-dialog .primary')
  await until(() => sending !== undefined)
  server.change({ stopCode: 1012 })
  await server.stop()
  await server.listen()
  await page.locator('#stop-code', { hasText: '1012' }).waitFor({ state: 'attached' })
  t.equal(await page.isEnabled('#send-dialog .primary'), false)
  await sending!.fulfill({ status: 202, json: { recipients: 0 } })
  await page.locator('#send-dialog').waitFor({ state: 'hidden' })
  await page.click('#send')
  t.equal(await page.isEnabled('#send-dialog .primary'), true)
  t.same(unexpected(problems), [])
})

t.test('lists report that the session of the user has expired', options, async t => {
  const { page, problems, isReady } = await openDashboard(t)
  await isReady()
  await page.route('**/api/v1/peers?*', async route => { await route.fulfill({ status: 401 }) })
  await page.locator('#peers-problem', { hasText: 'The token is no longer valid.' }).waitFor()
  t.same(unexpected(problems, 'status of 401'), [])
})

t.test('the state without live events is that of the latest action', options, async t => {
  const { page, problems, server } = await openDashboard(t, 0)
  const status = page.locator('#status', { hasText: 'no live events: All 0 streams are in use' })
  await status.waitFor()
  await page.evaluate(`statuses = new Set()
    new MutationObserver(() => { statuses.add(document.querySelector('#status').textContent) })
      .observe(document.querySelector('#status'), { childList: true })`)
  await page.click('#refuse')
  await page.locator('#refuse[aria-pressed=true]').waitFor()
  await page.click('#listen')
  await page.click('#stop-dialog .danger')
  await page.locator('#listen', { hasText: 'Listen' }).waitFor()
  t.equal(server.isListening(), false)
  await status.waitFor()
  t.same(await page.evaluate("[...statuses].filter(text => !text.startsWith('no live events'))"), [])
  t.same(unexpected(problems, 'status of 503'), [])
})

t.test('the test client keeps its URL while the server has no port', options, async t => {
  const { page, problems, servers: { separate }, isReady } = await openDashboard(t)
  await isReady()
  await page.selectOption('#server', 'separate')
  await page.locator('#endpoint', { hasText: `:${separate.port}` }).waitFor()
  await page.click('#client summary')
  await page.fill('#client-connect [name=url]', 'wss://game.example/ws')
  await separate.stop()
  await page.locator('#status', { hasText: 'not listening' }).waitFor()
  await page.waitForFunction(() => document.querySelector('#endpoint').textContent === 'plain')
  t.equal(await page.inputValue('#client-connect [name=url]'), 'wss://game.example/ws')
  await separate.listen()
  await page.locator('#endpoint', { hasText: `:${separate.port}` }).waitFor()
  t.equal(await page.inputValue('#client-connect [name=url]'), `ws://127.0.0.1:${separate.port}`)
  t.same(unexpected(problems), [])
})

t.test('the test client shows what others send without obeying it, and nothing after it was cancelled', options,
  async t => {
    const { page, problems, server, isReady } = await openDashboard(t)
    await isReady()
    await page.click('#client summary')
    const joined = new Promise<number>(resolve => { server.once('client_connected', resolve) })
    await page.click('#client-toggle')
    const id = await joined
    server.getPeer(id).send(Buffer.from('a\u202Eb\u2028c'), true)
    await page.locator('#client-messages li', { hasText: 'received text "a\\u202eb\\u2028c"' }).waitFor()
    server.disconnectPeer(id, 4001, 'a\u202Eb')
    await page.locator('#client-messages li', { hasText: 'closed 4001 "a\\u202eb"' }).waitFor()

    const url = await page.inputValue('#client-connect [name=url]')
    await page.fill('#client-connect [name=url]', `${url}?wait=yes`)
    await page.click('#client-toggle')
    await page.locator('#client-state', { hasText: 'connecting' }).waitFor()
    await page.click('#client-toggle')
    await page.locator('#client-state', { hasText: 'not connected' }).waitFor()
    t.equal(await page.locator('#client-problem').isVisible(), false)
    t.same(unexpected(problems), [])
  })

t.test('works in a browser that blocks the data of sites', options, async t => {
  const { page, problems, isReady } = await openDashboard(t)
  await isReady()
  await page.addInitScript(`for (const name of ['sessionStorage', 'localStorage']) {
    Object.defineProperty(window, name, { get () { throw new DOMException('denied', 'SecurityError') } })
  }`)
  await page.reload()
  await isReady()
  await page.uncheck('#shortcuts')
  t.same(unexpected(problems), [])
})

t.test('the details of a peer begin without those of another', options, async t => {
  const { page, problems, server, isReady } = await openDashboard(t)
  await isReady()
  accept(server, new MemoryConnection('203.0.113.6', 4000))
  const [{ id }] = server.peers()
  await page.route(`**/peers/${id}`, async route => { await route.fulfill({ status: 404, json: {} }) }, { times: 1 })
  await row(page, 'peers', id).locator('.show').click()
  await page.getByText(`Peer ${id} not found; it may have left.`).waitFor()
  await page.keyboard.press('Escape')
  let pending: Route | undefined
  await page.route(`**/peers/${id}`, route => { pending = route }, { times: 1 })
  await row(page, 'peers', id).locator('.show').click()
  await until(() => pending !== undefined)
  t.equal(await page.textContent('#peer-state'), '')
  t.equal(await page.locator('#peer-problem').isVisible(), false)
  await pending!.continue()
  await page.locator('#peer-state', { hasText: 'open' }).waitFor()
  t.same(unexpected(problems, 'status of 404'), [])
})

t.test('the details of a peer report that its events cannot be loaded any more', options, async t => {
  const { page, problems, server, isReady } = await openDashboard(t)
  await isReady()
  accept(server, new MemoryConnection('203.0.113.6', 4000))
  const [{ id }] = server.peers()
  await row(page, 'peers', id).locator('.show').click()
  await page.locator('#peer-events li', { hasText: 'joined' }).waitFor()
  const isOfPeer = /\/events\?.*peer=/
  await page.route(isOfPeer, async route => { await route.fulfill({ status: 503, json: { detail: 'in use' } }) })
  await page.check('#peer-packets')
  await page.locator('#peer-events-problem', { hasText: 'Cannot load events: in use' }).waitFor()
  await page.unroute(isOfPeer)
  await page.locator('#peer-events-problem').waitFor({ state: 'hidden' })
  await page.locator('#peer-events li', { hasText: 'joined' }).waitFor()
  t.same(unexpected(problems, 'status of 503'), [])
})

t.test('packets do not displace other events, and clearing ends the count of a paused list', options, async t => {
  const { page, problems, server, isReady } = await openDashboard(t)
  await isReady()
  server.ban('192.0.2.7')
  accept(server, new MemoryConnection('203.0.113.6', 4000))
  const [{ id }] = server.peers()
  await eventLine(page, `joined ${id}`).waitFor()
  const at = new Date().toISOString()
  const packets = Array.from({ length: 700 }, () =>
    JSON.stringify({ type: 'packet', at, id, room: 'main', isText: true, bytes: 1, hex: '61', standsFor: 1 }))
  let isSent = false
  await page.route(/\/events\?.*packet/, async route => {
    if (isSent) return
    isSent = true
    const body = ['id: 1', 'data:', '', ...packets.flatMap(packet => [`data: ${packet}`, ''])].map(line => `${line}\n`)
    await route.fulfill({ contentType: 'text/event-stream', body: body.join('') })
  })
  await page.check('#categories [name=packets]')
  await page.waitForFunction(() => document.querySelectorAll('#events [data-type=packet]').length === 150)
  await page.uncheck('#categories [name=packets]')
  await eventLine(page, `joined ${id}`).waitFor()

  await page.unrouteAll()
  await isReady()
  await page.click('#pause')
  accept(server, new MemoryConnection('203.0.113.6', 4001))
  await page.locator('#waiting', { hasText: '1 new' }).waitFor()
  t.equal(await page.textContent('#pause'), 'Pause')
  await page.route('**/other/events?*', () => {})
  await page.selectOption('#server', 'other')
  await page.waitForFunction(() => document.querySelector('#waiting').textContent === '')
  t.same(unexpected(problems), [])
})

t.test('events of another day have a date', options, async t => {
  const { page, problems, server, isReady } = await openDashboard(t)
  await isReady()
  accept(server, new MemoryConnection('203.0.113.6', 4000))
  const time = page.locator('#events li time').first()
  await time.waitFor()
  t.match(await time.textContent(), /^\d\d:\d\d:\d\d$/)
  t.match(await time.getAttribute('title'), /^\d\d\/\d\d\/\d{4}, \d\d:\d\d:\d\d$/)
  await page.clock.install({ time: Date.now() })
  await page.reload()
  await time.waitFor()
  await page.clock.fastForward('25:00:00')
  await page.waitForFunction(() =>
    /^\d+ \w+ \d\d:\d\d:\d\d$/.test(document.querySelector('#events li:last-child time').textContent))
  t.same(unexpected(problems, 'net::ERR_'), [])
})

t.test('small values are not 0 beside a peak', options, async t => {
  const { page, problems } = await openDashboard(t)
  await page.route('**/api/v1/server/history', async route => {
    await route.fulfill({
      json: {
        at: new Date().toISOString(),
        interval: 1,
        peers: [1, 1],
        packetsIn: [1000, 49],
        packetsOut: [1, 0],
        bytesIn: [2 ** 21, 50 * 1024],
        bytesOut: [2 ** 21, 1]
      }
    })
  })
  await page.reload()
  await page.locator('#bytes-unit', { hasText: 'MiB/s' }).waitFor()
  const chart = page.locator('#chart-bytes canvas')
  await chart.focus()
  await page.keyboard.press('End')
  await page.keyboard.press('Home')
  await page.keyboard.press('ArrowRight')
  t.match(await chart.getAttribute('aria-valuetext'), /· in 0\.049, out <0\.001 MiB\/s$/)
  const packets = page.locator('#chart-packets canvas')
  await packets.focus()
  await page.keyboard.press('Home')
  await page.keyboard.press('ArrowRight')
  t.match(await packets.getAttribute('aria-valuetext'), /· in 0\.049, out 0 k packets\/s$/)
  t.same(unexpected(problems), [])
})
