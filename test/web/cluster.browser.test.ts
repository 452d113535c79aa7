import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { openAdminCluster } from '../helper/admin-cluster.ts'
import { needsBrowser } from '../helper/browser/browser.ts'
import { eventLine, unexpected, visitDashboard } from '../helper/browser/dashboard.ts'
import { joinRoom, settled } from '../helper/memory/memory-cluster.ts'
import { drawn, resize } from '../helper/browser/resize.ts'
import { until } from '../helper/until.ts'

const options = { ...needsBrowser, timeout: 180_000 }

const row = (page: Page, table: string, id: number | string) => page.locator(`#${table} tbody tr[data-id="${id}"]`)

/** A cluster of two nodes with a client on each, and the dashboard of the first node. */
async function openDashboard (t: Test, viewport?: { width: number, height: number }) {
  const cluster = await openAdminCluster(t, 2)
  const clients = [await joinRoom(cluster.nodes[0], 'arena'), await joinRoom(cluster.nodes[1], 'arena')]
  const { page, problems } = await visitDashboard(t, cluster.urls[0], viewport)
  for (const { id } of cluster.nodes.map(idOf)) await row(page, 'nodes', id).waitFor()
  return { ...cluster, clients, page, problems }
}

const idOf = ({ cluster: { nodeId: id } }: WebSocketServer) => ({ id })

t.test('shows the nodes with their peers and rooms, and drains another one', options, async t => {
  const { nodes, clients, page, problems } = await openDashboard(t)
  t.equal(await page.textContent('#nodes-count'), '2')
  for (const [at, { cluster: { nodeId, slot } }] of nodes.entries()) {
    const cells = row(page, 'nodes', nodeId).locator('td')
    const [name, ownSlot, state, peers, rooms, age] = await cells.allTextContents()
    // The first node is the home of the room that its client has opened; `main` has its home on one of them.
    t.match([name, ownSlot, state, peers], [nodeId, String(slot), 'ready', '1'])
    t.match(age, /^\d+ ?s/)
    t.match(rooms, at === 0 ? /^[12]$/ : /^[01]$/)
    await row(page, 'peers', clients[at].id).locator('.node', { hasText: nodeId }).waitFor()
  }
  await row(page, 'rooms', 'arena').locator('.node', { hasText: 'node-0' }).waitFor()
  t.same(await page.evaluate("[...document.querySelectorAll('.note')].map(note => note.checkVisibility())"),
    [false, false, false, false], 'no list is incomplete')

  await page.getByRole('button', { name: 'Drain node-1' }).click()
  await page.getByRole('heading', { name: 'Drain node-1?' }).waitFor()
  await page.click('#drain-dialog [data-close]')
  await page.locator('#drain-dialog').waitFor({ state: 'hidden' })
  t.equal(nodes[1].peerCount, 1, 'not without confirmation')

  await page.getByRole('button', { name: 'Drain node-1' }).click()
  await page.fill('#drain-dialog [name=reason]', 'é'.repeat(62))
  await page.click('#drain-dialog .danger')
  await page.locator('#drain-dialog .problem', { hasText: 'reason' }).waitFor()
  await page.fill('#drain-dialog [name=reason]', 'new version')
  await page.click('#drain-dialog .danger')
  await page.getByText('Draining node-1: 1 peer closing').waitFor()
  await row(page, 'nodes', 'node-1').locator('.state', { hasText: 'draining' }).waitFor()
  await row(page, 'nodes', 'node-1').locator('.count', { hasText: '0' }).waitFor()
  await row(page, 'peers', clients[1].id).waitFor({ state: 'detached' })
  // The close frame follows the answer to a ping.
  await until(async () => {
    await clients[1].heard()
    return clients[1].closed !== undefined
  })
  t.same(clients.map(({ closed }) => closed), [undefined, [1001, 'new version']])
  t.equal(await page.getByRole('button', { name: 'Drain node-1' }).isDisabled(), true)
  await row(page, 'nodes', 'node-0').locator('.state', { hasText: 'ready' }).waitFor()
  await eventLine(page, 'drainNode node "node-1", reason "new version" → 202').waitFor()
  t.same(unexpected(problems, 'status of 400'), [])
})

t.test('shows that the node itself is drained', options, async t => {
  const { page, problems } = await openDashboard(t)
  await page.locator('#status[data-state=success]').waitFor()
  await page.getByRole('button', { name: 'Drain node-0' }).click()
  await page.click('#drain-dialog .danger')
  await page.locator('#status[data-state=warning]', { hasText: /^draining$/ }).waitFor()
  t.equal(await page.textContent('#uptime'), '')
  t.same(unexpected(problems), [])
})

t.test('counts the rooms of all nodes, also when the settings of the server change', options, async t => {
  const { nodes, page, problems } = await openDashboard(t)
  await nodes[1].cluster.openRoom('far')
  await page.locator('#rooms-count', { hasText: /^3$/ }).waitFor()
  await page.evaluate(`counts = new Set()
    new MutationObserver(() => { counts.add(document.querySelector('#rooms-count').textContent) })
      .observe(document.querySelector('#rooms-count'), { childList: true, characterData: true, subtree: true })`)
  // The `admin` event of the change has the page load the state again.
  const loaded = page.waitForResponse(response =>
    response.url().endsWith('/server') && response.request().method() === 'GET')
  await page.click('#refuse')
  await page.locator('#status', { hasText: 'refusing new connections' }).waitFor()
  await loaded
  await page.click('#refuse')
  await page.locator('#status[data-state=success]').waitFor()
  t.same(await page.evaluate('[...counts]'), [])
  t.same(unexpected(problems), [])
})

t.test('names nodes that do not respond, and reports lost messages and nodes that join and leave', options, async t => {
  const { broker, buses, nodes, clients, page, problems } = await openDashboard(t)
  clients[1].sendTo(0, 'first')
  await settled()
  for (const { id } of clients) await row(page, 'peers', id).locator('.select input').check()
  broker.cut(buses[1])
  t.teardown(() => { broker.restore(buses[1]) })
  for (const table of ['nodes', 'peers']) {
    await page.locator(`#${table}-partial`, { hasText: 'Incomplete: no response from node-1' }).waitFor()
  }
  await row(page, 'nodes', 'node-1').locator('.state', { hasText: 'unreachable' }).waitFor()
  t.equal(await row(page, 'nodes', 'node-1').locator('.count').textContent(), '–')
  await row(page, 'peers', clients[0].id).waitFor()
  await page.click('#selected-send')
  await page.fill('#send-dialog textarea', 'hello')
  await page.click('#send-dialog .primary')
  await page.getByText('Sent to 1 peer. Incomplete: no response from node-1').waitFor()
  await page.getByText('2 peers selected').waitFor()
  clients[1].sendTo(0, 'lost')
  await settled()
  broker.restore(buses[1])
  await eventLine(page, 'messages lost 1 of node node-1 in arena').waitFor()
  for (const table of ['nodes', 'peers']) await page.locator(`#${table}-partial`).waitFor({ state: 'hidden' })
  await row(page, 'nodes', 'node-1').locator('.state', { hasText: 'ready' }).waitFor()

  const { slot } = nodes[1].cluster
  await nodes[1].stop()
  await eventLine(page, 'node left node-1').waitFor()
  await row(page, 'nodes', 'node-1').waitFor({ state: 'detached' })
  await nodes[1].listen()
  t.not(nodes[1].cluster.slot, 0, `it was in slot ${slot}`)
  await eventLine(page, `node joined node-1 in slot ${nodes[1].cluster.slot}`).waitFor()
  await row(page, 'nodes', 'node-1').waitFor()
  t.same(unexpected(problems), [])
})

t.test('shows no burst of traffic when a node responds again', options, async t => {
  const { broker, buses, clients, page, problems } = await openDashboard(t)
  const traffic = setInterval(() => { clients[1].sendTo(0, 'earlier') }, 20)
  t.teardown(() => { clearInterval(traffic) })
  const isRate = async (rate: RegExp) => { await page.locator('#packets-in', { hasText: rate }).waitFor() }
  await isRate(/^[1-9]/)
  clearInterval(traffic)
  await isRate(/^0$/)
  broker.cut(buses[1])
  t.teardown(() => { broker.restore(buses[1]) })
  await page.locator('#peers-now', { hasText: '1' }).waitFor()
  await page.evaluate(`rates = new Set()
    new MutationObserver(() => { rates.add(document.querySelector('#packets-in').textContent) })
      .observe(document.querySelector('#chart-packets'), { childList: true, subtree: true })`)
  broker.restore(buses[1])
  await page.locator('#peers-now', { hasText: '2' }).waitFor()
  t.same(await page.evaluate("[...rates].filter(rate => rate !== '0')"), [])
  t.same(unexpected(problems), [])
})

t.test('shows no burst of traffic when a node stops, and listens again', options, async t => {
  const { nodes, clients, page, problems } = await openDashboard(t)
  const traffic = setInterval(() => { clients[1].sendTo(0, 'earlier') }, 20)
  t.teardown(() => { clearInterval(traffic) })
  const isRate = async (rate: RegExp) => { await page.locator('#packets-in', { hasText: rate }).waitFor() }
  await isRate(/^[1-9]/)
  clearInterval(traffic)
  await isRate(/^0$/)
  await nodes[1].stop()
  await row(page, 'nodes', 'node-1').waitFor({ state: 'detached' })
  await page.locator('#peers-now', { hasText: '1' }).waitFor()
  await page.evaluate(`rates = new Set()
    new MutationObserver(() => { rates.add(document.querySelector('#packets-in').textContent) })
      .observe(document.querySelector('#chart-packets'), { childList: true, subtree: true })`)
  await nodes[1].listen()
  await row(page, 'nodes', 'node-1').locator('.state', { hasText: 'ready' }).waitFor()
  clients.push(await joinRoom(nodes[1], 'arena'))
  await page.locator('#peers-now', { hasText: '2' }).waitFor()
  t.same(await page.evaluate("[...rates].filter(rate => rate !== '0')"), [])
  t.same(unexpected(problems), [])
})

t.test('fits on a phone and on a wide screen, light and dark, and works by keyboard', options, async t => {
  const { clients, page, problems } = await openDashboard(t)
  for (const { id } of clients) await row(page, 'peers', id).waitFor()
  const backgrounds = new Set()
  for (const viewport of [{ width: 390, height: 844 }, { width: 1440, height: 900 }]) {
    await resize(page, viewport)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await drawn(page)
      const name = `${viewport.width} px, ${colorScheme}`
      t.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true, `${name}: no scrolling`)
      t.same(await page.evaluate(`[...document.querySelectorAll('.scroll')]
        .filter(box => box.scrollWidth > box.clientWidth).map(box => box.outerHTML)`), [], `${name}: no table scrolls`)
      t.same(await page.evaluate(`[...document.querySelectorAll('#nodes td, #peers td.node, #rooms td.node')]
        .filter(cell => !cell.checkVisibility() || cell.getBoundingClientRect().right > innerWidth)
        .map(cell => cell.outerHTML)`), [], `${name}: everything is visible`)
      const style = "getComputedStyle(document.querySelector('#nodes tbody tr'))"
      backgrounds.add(await page.evaluate(`${style}.backgroundColor`))
    }
  }
  t.equal(backgrounds.size, 2, 'the themes differ')

  await row(page, 'nodes', 'node-0').focus()
  await page.keyboard.press('End')
  const focused = 'document.activeElement.dataset.id ?? document.activeElement.textContent'
  const last = await page.evaluate("document.querySelector('#nodes tbody tr:last-child').dataset.id")
  t.equal(await page.evaluate(focused), last)
  await page.keyboard.press('Tab')
  t.equal(await page.evaluate(focused), 'Drain')
  t.ok(await page.evaluate('parseFloat(getComputedStyle(document.activeElement).outlineWidth)') as number >= 2)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: `Drain ${String(last)}?` }).waitFor()
  await page.keyboard.press('Escape')
  await page.locator('#drain-dialog').waitFor({ state: 'hidden' })
  t.equal(await page.evaluate(focused), 'Drain', 'the focus returns to the button')
  t.same(unexpected(problems), [])
})
