import type { Page, Route } from 'playwright-core'
import t, { type Test } from 'tap'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { startApp } from '../helper/app.ts'
import { needsBrowser } from '../helper/browser/browser.ts'
import { eventLine, unexpected, visitDashboard } from '../helper/browser/dashboard.ts'
import { accept } from '../helper/internals.ts'
import { MemoryConnection } from '../helper/memory/memory-connection.ts'
import { startTcpProxy } from '../helper/programs/tcp-proxy.ts'
import { until } from '../helper/until.ts'

// For functions that run in the page; a string would not do, because the policy of the page forbids eval.
declare const document: any

const options = { ...needsBrowser, timeout: 180_000 }
const settings = { protocols: ['chat', 'game'], pingInterval: 0, maxPeersPerAddress: 0 }

const row = (page: Page, id: number) => page.locator(`#peers tbody tr[data-id="${id}"]`)

/** Starts the service with a server that can be reached through a proxy, and opens its dashboard. */
async function openDashboard (t: Test) {
  const { server, port } = await startApp(t, { server: settings, admin: { auth: false } })
  const proxy = await startTcpProxy(t, () => port)
  const { page, problems } = await visitDashboard(t, `http://127.0.0.1:${proxy.port}`)
  await page.locator('#status[data-state=success]').waitFor()
  return { page, problems, proxy, server }
}

/** Lets peers join; their connections by their ids, in this order. */
function join (
  server: WebSocketServer, count: number, protocol = 'chat', network = '10.0'
): Map<number, MemoryConnection> {
  const peers = new Map<number, MemoryConnection>()
  const known = new Set([...server.peers()].map(({ id }) => id))
  for (let i = 0; i < count; i++) {
    const connection = new MemoryConnection(`${network}.${i >> 8}.${i % 256}`, 4000 + i)
    accept(server, connection, protocol)
    const { id } = [...server.peers()].find(({ id }) => !known.has(id))!
    known.add(id)
    peers.set(id, connection)
  }
  return peers
}

/** Keeps the next responses to requests of this kind until they are released. */
async function hold (page: Page, url: string): Promise<{ routes: Route[], release: () => Promise<void> }> {
  const routes: Route[] = []
  await page.route(url, route => { routes.push(route) })
  const release = async () => {
    await page.unroute(url)
    for (const route of routes) await route.continue().catch(() => {})
  }
  return { routes, release }
}

t.test('a selection of all that match is of the filter whose number it shows', options, async t => {
  const { page, problems, server } = await openDashboard(t)
  join(server, 60, 'chat')
  join(server, 4, 'game', '10.1')
  await page.fill('#filter [name=protocol]', 'game')
  await page.locator('#pages-range', { hasText: 'of 4' }).waitFor()
  await page.locator('#peers tbody tr .select input').first().check()
  await page.getByRole('button', { name: 'Select all 4 that match' }).waitFor()
  const pending = await hold(page, '**/api/v1/peers?*')
  await page.click('#filter-clear')
  t.equal(await page.locator('#select-all').isVisible(), false, 'the new number is not known yet')
  t.equal(await page.textContent('#selection-count'), '1 peer selected')
  await pending.release()
  await page.getByRole('button', { name: 'Select all 64' }).click()
  await page.getByText('All 64 peers selected').waitFor()
  t.same(unexpected(problems), [])
})

t.test('a question is about the peers that were selected when it was asked', options, async t => {
  const { page, problems, server } = await openDashboard(t)
  const ids = [...join(server, 4).keys()]
  for (const id of ids.slice(0, 2)) await row(page, id).locator('.select input').check()
  const pending = await hold(page, '**/api/v1/peers/ban')
  await page.click('#selected-ban')
  await page.click('#ban-dialog .danger')
  await until(() => pending.routes.length === 1)
  await page.keyboard.press('Escape')
  for (const id of ids.slice(2)) await row(page, id).locator('.select input').check()
  await pending.release()
  await page.getByText('Banned 2 addresses of 2 peers').waitFor()
  await page.getByText('2 peers selected').waitFor()
  for (const id of ids.slice(2)) t.equal(await row(page, id).locator('.select input').isChecked(), true)
  t.same(unexpected(problems), [])
})

t.test('sends to the rest of the selection after an error', options, async t => {
  const { page, problems, server } = await openDashboard(t)
  const peers = join(server, 520)
  for (let shown = 50; shown < 550; shown += 50) {
    await page.locator('#pages-range', { hasText: `– ${Math.min(shown, 520)} of 520` }).waitFor()
    await page.check('#select-page')
    await page.click('#pages-next')
  }
  await page.locator('#pages-range', { hasText: '– 520 of 520' }).waitFor()
  await page.check('#select-page')
  await page.getByText('520 peers selected').waitFor()
  for (const connection of peers.values()) connection.take()
  let requests = 0
  await page.route('**/api/v1/packets?*', async route => {
    if (++requests === 2) await route.fulfill({ status: 500, json: { detail: 'not today' } })
    else await route.continue()
  })
  await page.click('#selected-send')
  await page.fill('#send-dialog textarea', 'five minutes left')
  await page.click('#send-dialog .primary')
  await page.locator('#send-dialog .problem', { hasText: 'Sent to 500 peers, not to the rest: not today' }).waitFor()
  t.equal(await page.textContent('#selection-count'), '20 peers selected')
  await page.click('#send-dialog .primary')
  await page.getByText('Sent to 520 peers').waitFor()
  t.equal(await page.locator('#selection').isVisible(), false)
  const copies = [...peers.values()].map(connection => String(connection.take()).split('five minutes left').length - 1)
  t.same(copies.filter(count => count !== 1), [], 'everybody gets it once')
  t.same(unexpected(problems, 'status of 500'), [])
})

t.test('a selection does not claim to know who is left when many peers leave at once', options, async t => {
  const { page, problems, server } = await openDashboard(t)
  const peers = join(server, 50)
  await page.locator('#pages-range', { hasText: '1 – 50 of 50' }).waitFor()
  const others = join(server, 150, 'game')
  await page.locator('#pages-range', { hasText: 'of 200' }).waitFor()
  await page.fill('#filter [name=protocol]', 'chat')
  await page.locator('#pages-range', { hasText: 'of 50' }).waitFor()
  await page.check('#select-page')
  for (const connection of others.values()) connection.disconnect()
  for (const connection of [...peers.values()].slice(1)) connection.disconnect()
  await eventLine(page, /left \d+ more peers/).waitFor()
  await page.getByText(/^Up to \d+ peers? selected$/).waitFor()
  await page.click('#selected-disconnect')
  await page.getByRole('heading', { name: /^Disconnect up to \d+ peers?\?$/ }).waitFor()
  await page.keyboard.press('Escape')
  await page.click('#select-none')
  await page.locator('#peers tbody .select input').first().check()
  await page.getByText(/^1 peer selected$/).waitFor()
  t.same(unexpected(problems), [])
})

t.test('screen readers announce the number of selected peers when the user selects', options, async t => {
  const { page, problems, server } = await openDashboard(t)
  join(server, 60)
  await page.locator('#pages-range', { hasText: 'of 60' }).waitFor()
  await page.check('#select-page')
  const live = async () => await page.getAttribute('#selection-count', 'aria-live')
  t.equal(await live(), 'polite')
  await page.click('#select-all')
  await page.getByText('All 60 peers selected').waitFor()
  join(server, 1, 'game', '10.1')
  await page.getByText('All 61 peers selected').waitFor()
  t.equal(await live(), 'off')
  t.same(unexpected(problems), [])
})

t.test('a filter that is set while the server cannot be reached is in effect when it is back', options, async t => {
  const { page, problems, proxy, server } = await openDashboard(t)
  const [id] = join(server, 3).keys()
  await eventLine(page, `joined ${id}`).waitFor()
  proxy.cut()
  await page.getByText('connection lost, retrying').waitFor()
  await page.locator('#events button', { hasText: String(id) }).click()
  t.equal(await page.inputValue('#filter [name=id]'), String(id))
  proxy.restore()
  await page.locator('#status[data-state=success]').waitFor()
  await page.locator('#pages-range', { hasText: '1 – 1 of 1' }).waitFor()
  t.equal(await page.locator('#filter-clear').isVisible(), true)
  t.same(unexpected(problems, 'net::ERR_'), [])
})

t.test('an id is not combined with other filters', options, async t => {
  const { page, problems, server } = await openDashboard(t)
  const [id] = join(server, 3).keys()
  await page.fill('#filter [name=protocol]', 'game')
  await page.getByText('No peers match this filter.').waitFor()
  await page.fill('#filter [name=id]', String(id))
  await row(page, id).waitFor()
  t.equal(await page.inputValue('#filter [name=protocol]'), '')
  await page.fill('#filter [name=protocol]', 'chat')
  await page.locator('#pages-range', { hasText: 'of 3' }).waitFor()
  t.equal(await page.inputValue('#filter [name=id]'), '')
  t.same(unexpected(problems), [])
})

t.test('shows the first page of a restarted server, which does not know other pages', options, async t => {
  const { page, problems, server } = await openDashboard(t)
  join(server, 120)
  for (const range of ['1 – 50 of 120', '51 – 100 of 120']) {
    await page.locator('#pages-range', { hasText: range }).waitFor()
    await page.click('#pages-next')
  }
  await page.locator('#pages-range', { hasText: '101 – 120 of 120' }).waitFor()
  // The key that cursors are signed with is that of the process.
  await page.route(/\/peers\?.*cursor=/, async route => {
    await route.continue({ url: route.request().url().replace('cursor=', 'cursor=x') })
  })
  await page.locator('#pages-range', { hasText: '1 – 50 of 120' }).waitFor()
  t.equal(await page.locator('#peers-problem').isVisible(), false)
  t.same(unexpected(problems, 'status of 400'), [])
})

t.test('rows that stay are not moved when one above them leaves', options, async t => {
  const { page, problems, server } = await openDashboard(t)
  await page.emulateMedia({ reducedMotion: 'no-preference' })
  const peers = [...join(server, 10)]
  await page.waitForFunction(() => document.querySelectorAll('#peers tbody tr').length === 10)
  const [focused] = peers[2]
  await row(page, focused).focus()
  await page.evaluate(`moves = []
    blurs = 0
    const body = document.querySelector('#peers tbody')
    body.addEventListener('focusout', () => { blurs++ })
    new MutationObserver(records => {
      for (const { addedNodes, removedNodes } of records) moves.push([addedNodes.length, removedNodes.length])
    }).observe(body, { childList: true })`)
  // The latest is in the first row.
  const [last, lastConnection] = peers.at(-1)!
  lastConnection.disconnect()
  await row(page, last).waitFor({ state: 'detached' })
  t.same(await page.evaluate('[moves, blurs]'), [[[0, 1]], 0])
  await page.waitForFunction(() => document.querySelector('#peers tbody tr.new') === null)
  t.same(unexpected(problems), [])
})

t.test('the focus stays in the list when the control that has it goes away', options, async t => {
  const { page, problems, server } = await openDashboard(t)
  const focused = async () => await page.evaluate('document.activeElement.id')
  join(server, 60)
  await page.locator('#pages-range', { hasText: 'of 60' }).waitFor()
  const press = async (button: string, range: string) => {
    await page.focus(button)
    await page.keyboard.press('Enter')
    await page.locator('#pages-range', { hasText: range }).waitFor()
  }
  await press('#pages-next', '51 – 60')
  t.equal(await focused(), 'pages-range')
  await press('#pages-first', '1 – 50')
  t.equal(await focused(), 'pages-range')

  await page.check('#select-page')
  await page.focus('#select-all')
  await page.keyboard.press('Enter')
  t.equal(await focused(), 'select-none')
  await page.keyboard.press('Enter')
  t.equal(await focused(), 'select-page')

  await page.fill('#filter [name=protocol]', 'chat')
  await press('#filter-clear', 'of 60')
  t.equal(await focused(), 'peers-title')

  server.ban('192.0.2.7')
  await page.reload()
  await page.locator('#bans .lift').focus()
  await page.keyboard.press('Enter')
  await page.getByText('No bans.').waitFor()
  t.equal(await focused(), 'bans-title')
  t.same(unexpected(problems), [])
})

t.test('bans the network of an IPv6 host', options, async t => {
  const { page, problems, server } = await openDashboard(t)
  accept(server, new MemoryConnection('2001:db8:1:2:3:4:5:6', 4000), 'chat')
  const [{ id }] = server.peers()
  await row(page, id).locator('.ban').click()
  t.equal(await page.inputValue('#ban-dialog [name=address]'), '2001:db8:1:2:3:4:5:6/64')
  await page.getByText('1 connected peer will be disconnected.').waitFor()
  await page.click('#ban-dialog .danger')
  await row(page, id).waitFor({ state: 'detached' })
  t.match(server.bans(), [{ address: '2001:db8:1:2::/64' }])
  t.same(unexpected(problems), [])
})
