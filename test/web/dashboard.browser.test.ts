import { once } from 'node:events'
import type { Page, Route } from 'playwright-core'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { PeerServerClient } from '../../src/client/client.ts'
import type { ServerOptions } from '../../src/options/option-types.ts'
import { needsBrowser } from '../helper/browser/browser.ts'
import { MemoryConnection } from '../helper/memory/memory-connection.ts'
import { startApp } from '../helper/app.ts'
import { eventLine, signIn, unexpected, visitDashboard } from '../helper/browser/dashboard.ts'
import { joinServer, startGodot } from '../helper/godot/godot.ts'
import { skipWithout } from '../helper/programs/skip-without.ts'
import { frame } from '../helper/sockets/raw-frame.ts'
import { drawn } from '../helper/browser/resize.ts'
import { startTcpProxy } from '../helper/programs/tcp-proxy.ts'
import { until } from '../helper/until.ts'
import { accept } from '../helper/internals.ts'

// For functions that run in the page; a string would not do, because the policy of the page forbids eval.
declare const document: any

const token = 'a token of more than thirty-two characters'
const options = { ...needsBrowser, timeout: 180_000 }

interface Settings {
  server?: Partial<ServerOptions>
  token?: string
  maxEventStreams?: number
  viewport?: { width: number, height: number }
}

/** Starts the service and opens its dashboard. */
async function openDashboard (t: Test, { server = {}, token, maxEventStreams, viewport }: Settings = {}) {
  const access = token === undefined ? { auth: false as const } : { token }
  const admin = { ...access, ...(maxEventStreams === undefined ? {} : { maxEventStreams }) }
  const { service, port } = await startApp(t, { server, admin })
  const proxy = await startTcpProxy(t, () => port)
  const { page, problems } = await visitDashboard(t, `http://127.0.0.1:${proxy.port}`, viewport)
  return { page, problems, port, proxy, server: service.peerServer }
}

const row = (page: Page, id: number) => page.locator(`#peers tbody tr[data-id="${id}"]`)
const roomRow = (page: Page, name: string) => page.locator(`#rooms tbody tr[data-id="${name}"]`)

t.test('shows Godot games, disconnects one and sends packets to the others', {
  ...needsBoth(),
  timeout: 180_000
}, async t => {
  const { page, problems, port, server } = await openDashboard(t, { server: { gdMpApi: true }, token })
  await signIn(page, token)
  await page.locator('#token-dialog').waitFor({ state: 'hidden' })

  const games = await Promise.all([1, 2, 3].map(() => startGodot(t, 'multiplayer_client')))
  const ids: number[] = []
  for (const game of games) ids.push(await joinServer(game, port))
  for (const id of ids) {
    await row(page, id).waitFor()
    t.match(await row(page, id).locator('.address').textContent(), `127.0.0.1:${server.getPeerPort(id)}`)
    await eventLine(page, `joined ${id} from 127.0.0.1`).waitFor()
  }
  await page.waitForFunction(() => document.querySelector('#peers-now').textContent === '3')

  await t.test('disconnects a game', async t => {
    await row(page, ids[2]).locator('.disconnect').click()
    await page.selectOption('#disconnect-dialog select', '4001')
    await page.fill('#disconnect-dialog [name=reason]', 'rude')
    t.equal(await page.textContent('#reason-size'), '4 of 123 bytes')
    await page.click('#disconnect-dialog .danger')
    t.match(await games[2].event('server_close_request'), { code: 4001, reason: 'rude' })
    await row(page, ids[2]).waitFor({ state: 'detached' })
    await eventLine(page, new RegExp(`left ${ids[2]} after \\w+: disconnected by the server, 4001 "rude"`)).waitFor()
    await eventLine(page, `admin disconnectPeer ${ids[2]}`).waitFor()
  })

  await t.test('sends a packet to the other games', async t => {
    await row(page, ids[0]).locator('.send').click()
    await page.fill('#send-dialog textarea', 'hello, Ann')
    await page.click('#send-dialog .primary')
    t.match(await games[0].event('network_peer_packet'), { source: 1, bytes: Buffer.from('hello, Ann') })
    await page.click('#send')
    await page.check('#send-dialog [value=hex]')
    await page.fill('#send-dialog textarea', 'c0 ff ee')
    await page.click('#send-dialog .primary')
    for (const game of games.slice(0, 2)) {
      const { bytes } = await game.event('network_peer_packet', ({ bytes }) => bytes.length === 3)
      t.same(bytes, Buffer.from('c0ffee', 'hex'))
    }
    await page.getByText('Sent to 2 peers').waitFor()
  })

  await t.test('refuses clients, stops and listens', async t => {
    await page.click('#refuse')
    await page.locator('#status[data-state=warning]', { hasText: 'refusing new connections' }).waitFor()
    t.equal(server.refuseNewConnections, true)
    await page.click('#refuse')
    await page.locator('#refuse[aria-pressed=false]').waitFor()
    await page.click('#listen')
    await page.locator('#stop-dialog', { hasText: 'This disconnects 2 peers with code 1001' }).waitFor()
    t.equal(await page.evaluate('document.activeElement.textContent'), 'Cancel', 'Enter alone stops nothing')
    await page.fill('#stop-dialog input', 'good night')
    await page.click('#stop-dialog .danger')
    t.match(await games[0].event('server_close_request'), { code: 1001, reason: 'good night' })
    await page.locator('#status[data-state=error]', { hasText: 'not listening' }).waitFor()
    await page.getByText('No peers connected.').waitFor()
    await page.click('#listen')
    await page.locator('#status[data-state=success]').waitFor()
    t.equal(server.isListening(), true)
  })

  const stored = '[location.href.includes("token"), localStorage.length, sessionStorage.length, document.cookie]'
  t.same(await page.evaluate(stored), [false, 0, 0, ''], 'the token is only in memory')
  // The browser logs the response to the missing token.
  t.same(unexpected(problems, 'status of 401'), [])
})

t.test('signs in so that password managers help, remembers the token on request, signs out', options, async t => {
  const { page, problems } = await openDashboard(t, { token })
  const isSignedIn = async () => { await page.locator('#status[data-state=success]').waitFor() }
  await signIn(page, 'wrong')
  await page.getByText('Wrong token.').waitFor()
  await signIn(page, `${token}\u200b`)
  await page.getByText('The token contains an invalid character.').waitFor()
  for (let i = 0; i < 3; i++) await page.keyboard.press('Escape')
  const dialog = page.locator('#token-dialog')
  t.equal(await dialog.isVisible(), true, 'there is no other way to sign in')
  // As the Escape key does in other browsers.
  await dialog.evaluate('dialog => { dialog.close() }')
  await dialog.waitFor()
  t.same(await page.evaluate(`[...document.querySelectorAll('#token-dialog form input')]
    .map(({ name, type, autocomplete }) => [name, type, autocomplete])`), [
    ['username', 'text', 'username'], ['token', 'password', 'current-password'], ['remember', 'checkbox', '']
  ])
  await page.fill('#token-dialog [name=username]', 'alice')
  await page.fill('#token-dialog [name=token]', token)
  await page.keyboard.press('Enter')
  await isSignedIn()
  t.same(await page.evaluate('[sessionStorage.length, localStorage.length]'), [0, 0], 'not remembered unless asked to')
  await page.reload()
  await page.check('#token-dialog [name=remember]')
  await signIn(page, token)
  await isSignedIn()
  await page.reload()
  await isSignedIn()
  t.same(await page.evaluate('[Object.values(sessionStorage), localStorage.length]'), [[token], 0])

  await page.evaluate("sessionStorage.setItem(Object.keys(sessionStorage)[0], 'an older token')")
  await page.reload()
  await page.getByText('The token is no longer valid.').waitFor()
  t.equal(await page.isChecked('#token-dialog [name=remember]'), true)
  await signIn(page, token)
  await isSignedIn()
  await page.click('#sign-out')
  await page.locator('#token-dialog').waitFor()
  t.same(await page.evaluate('[sessionStorage.length, document.querySelector("#token-dialog [name=token]").value]'),
    [0, ''])
  t.equal(await page.locator('#peers tbody tr').count(), 0)
  t.same(unexpected(problems, 'status of 401'), [])
})

t.test('shows the state of the server only when connected to its events', options, async t => {
  const { page, proxy } = await openDashboard(t, { server: { pingInterval: 0 } })
  await page.locator('#status[data-state=success]').waitFor()
  await page.route('**/events?*', () => {})
  await page.reload()
  await page.locator('#endpoint', { hasText: '/ws' }).waitFor()
  t.equal(await page.textContent('#status'), 'connecting')
  t.equal(await page.isEnabled('#listen'), false)
  await page.unrouteAll({ behavior: 'ignoreErrors' })
  proxy.cut()
  await page.getByText('connection lost, retrying').waitFor()
  proxy.restore()
  await page.locator('#status[data-state=success]').waitFor()
  t.equal(await page.isEnabled('#listen'), true)
})

t.test('tries again when it cannot load the names of the servers', options, async t => {
  const { page, problems } = await openDashboard(t, { server: { pingInterval: 0 } })
  for (const [fail, text] of [
    [async (route: Route) => { await route.fulfill({ status: 503 }) }, 'the service responded with 503'],
    [async (route: Route) => { await route.abort() }, 'The server cannot be reached.']
  ] as const) {
    await page.locator('#status[data-state=success]').waitFor()
    await page.route('**/servers.json', fail)
    await page.reload()
    await page.locator('#status[data-state=error]', { hasText: text }).waitFor()
    await page.unrouteAll()
  }
  await page.locator('#status[data-state=success]').waitFor()
  t.same(unexpected(problems, 'net::ERR_').filter(problem => !problem.includes('status of 503')), [])
})

t.test('loads all bans when they change, not whenever peers come and go', options, async t => {
  const { page, problems, port, server } = await openDashboard(t, { server: { pingInterval: 0 } })
  const client = new PeerServerClient({ url: `http://127.0.0.1:${port}` })
  const ban = (address: string) => page.locator(`#bans tbody tr[data-id="${address}"]`)
  await page.locator('#status[data-state=success]').waitFor()
  let loads = 0
  page.on('request', request => {
    if (request.method() === 'GET' && request.url().endsWith('/bans')) loads++
  })
  for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) {
    accept(server, new MemoryConnection(address, 4000), '')
    await row(page, [...server.peers()].at(-1)!.id).waitFor()
  }
  t.equal(loads, 0)
  await client.call('ban', {}, { address: '203.0.113.7' })
  await ban('203.0.113.7').waitFor()
  await client.call('ban', {}, { address: '203.0.113.8', seconds: 3 })
  await ban('203.0.113.8').waitFor()
  t.equal(loads, 2)
  await ban('203.0.113.8').waitFor({ state: 'detached' })
  t.equal(loads, 2, 'it has expired')
  await client.call('unban', { address: '203.0.113.7' })
  await ban('203.0.113.7').waitFor({ state: 'detached' })
  t.same(unexpected(problems), [])
})

t.test('a dialog does not begin with the reason of another action', options, async t => {
  const { page, problems, server } = await openDashboard(t, { server: { pingInterval: 0, rooms: true } })
  for (const port of [4000, 4001]) accept(server, new MemoryConnection('203.0.113.6', port), '')
  const [first, second] = [...server.peers()].map(({ id }) => id)
  await row(page, first).locator('.disconnect').click()
  await page.selectOption('#disconnect-dialog [name=preset]', '4001')
  await page.fill('#disconnect-dialog [name=reason]', 'you cheated')
  await page.click('#disconnect-dialog .danger')
  await page.locator('#disconnect-dialog').waitFor({ state: 'hidden' })
  await row(page, second).locator('.disconnect').click()
  await page.getByRole('heading', { name: `Disconnect ${second}` }).waitFor()
  t.equal(await page.inputValue('#disconnect-dialog [name=preset]'), '1000')
  t.equal(await page.inputValue('#disconnect-dialog [name=reason]'), '')
  t.same(unexpected(problems), [])
})

t.test('switches off what needs the server while it cannot be reached, and asks for no token', options, async t => {
  const { page, problems, proxy, server } = await openDashboard(t, { server: { pingInterval: 0 } })
  accept(server, new MemoryConnection('203.0.113.6', 4000), '')
  await row(page, [...server.peers()][0].id).locator('.send').click()
  const controls = ['#refuse', '#listen', '#send', '#filter-address', '#peers .disconnect', '#send-dialog .primary']
  const areEnabled = async () => await Promise.all(controls.map(async control => await page.isEnabled(control)))
  t.same(await areEnabled(), controls.map(() => true))

  proxy.cut()
  await page.getByText('connection lost, retrying').waitFor()
  t.same(await areEnabled(), controls.map(() => false))
  t.equal(await page.isEnabled('#send-dialog [data-close]'), true)
  t.equal(await page.isEnabled('#pause'), true)
  accept(server, new MemoryConnection('203.0.113.7', 4000), '')
  // Before the page sets timers for the next connection.
  await page.clock.install()
  proxy.restore()
  await eventLine(page, 'from 203.0.113.7:4000').waitFor()
  await page.locator('#status[data-state=success]').waitFor()
  t.same(await areEnabled(), controls.map(() => true))

  proxy.stall()
  await page.clock.fastForward(11_000)
  await page.getByText('connection lost, retrying').waitFor()
  t.same(await areEnabled(), controls.map(() => false), 'a silent connection is lost, too')
  t.same(unexpected(problems, 'net::ERR_'), [])
})

t.test('shows a restarted server, and selects none of the peers from before', options, async t => {
  const start = async () => await startApp(t, { server: { pingInterval: 0 }, admin: { auth: false } })
  let running = await start()
  const proxy = await startTcpProxy(t, () => running.port)
  const { page, problems } = await visitDashboard(t, `http://127.0.0.1:${proxy.port}`)
  accept(running.server, new MemoryConnection('203.0.113.6', 4000), '')
  await row(page, [...running.server.peers()][0].id).locator('.select input').check()
  await page.getByText('1 peer selected').waitFor()

  proxy.cut()
  await page.getByText('connection lost, retrying').waitFor()
  running = await start()
  accept(running.server, new MemoryConnection('203.0.113.7', 4000), '')
  proxy.restore()
  await eventLine(page, 'events missed').waitFor()
  await page.locator('#status[data-state=success]').waitFor()
  await row(page, [...running.server.peers()][0].id).waitFor()
  t.equal(await page.isEnabled('#listen'), true)
  t.equal(await page.locator('#selection').isVisible(), false)
  t.same(unexpected(problems, 'net::ERR_'), [])
})

t.test('the details of a peer continue after a lost connection', options, async t => {
  const { page, problems, proxy, server } = await openDashboard(t, { server: { pingInterval: 0 } })
  const connection = new MemoryConnection('203.0.113.6', 4000)
  accept(server, connection, '')
  await row(page, [...server.peers()][0].id).locator('.show').click()
  await page.locator('#peer-events li', { hasText: 'joined' }).waitFor()
  proxy.cut()
  await page.getByText('connection lost, retrying').waitFor()
  connection.disconnect()
  proxy.restore()
  await page.locator('#peer-events li', { hasText: 'left' }).waitFor()
  t.equal(await page.locator('#peer-events li').count(), 2, 'each event once')
  t.same(unexpected(problems, 'net::ERR_').filter(problem => !problem.includes('status of 404')), [])
})

t.test('stopping names the close code of the server', options, async t => {
  const { page } = await openDashboard(t, { server: { stopCode: 1012 } })
  await page.click('#listen')
  await page.locator('#stop-dialog', { hasText: 'This disconnects 0 peers with code 1012' }).waitFor()
})

t.test('a late response leaves the dialog of another peer alone', options, async t => {
  const { page, problems, server } = await openDashboard(t, { server: { pingInterval: 0 } })
  for (const port of [4000, 4001]) accept(server, new MemoryConnection('203.0.113.6', port), '')
  const [first, second] = [...server.peers()].map(({ id }) => id)
  for (const status of [500, 202]) {
    let pending: Route | undefined
    await page.route('**/peers/*', route => { pending = route }, { times: 1 })
    await row(page, first).locator('.disconnect').click()
    await page.click('#disconnect-dialog .danger')
    await until(() => pending !== undefined)
    await page.keyboard.press('Escape')
    await row(page, second).locator('.disconnect').click()
    await page.getByRole('heading', { name: `Disconnect ${second}` }).waitFor()
    t.equal(await page.isEnabled('#disconnect-dialog .danger'), true)
    await pending!.fulfill({ status, json: { detail: 'not today' } })
    await page.getByText(status === 500 ? 'not today' : `Disconnecting ${first} with code 1000`).waitFor()
    t.equal(await page.locator('#disconnect-dialog').isVisible(), true)
    t.equal(await page.locator('#disconnect-dialog .problem').isVisible(), false)
    await page.keyboard.press('Escape')
  }
  t.same(unexpected(problems, 'status of 500'), [])
})

t.test('reports a server that works but cannot open another event stream', options, async t => {
  const { page, problems, server } = await openDashboard(t, { server: { pingInterval: 0 }, maxEventStreams: 0 })
  await page.getByText('no live events: All 0 streams are in use').waitFor()
  accept(server, new MemoryConnection('203.0.113.6', 4000), '')
  await row(page, [...server.peers()][0].id).locator('.disconnect').click()
  await page.click('#disconnect-dialog .danger')
  await until(() => server.peerCount === 0)
  t.same(unexpected(problems, 'status of 503'), [])
})

t.test('charts load the history of the server, and show the values at a selected point', options, async t => {
  const { page, problems, port, server } = await openDashboard(t, { server: { pingInterval: 0 } })
  const client = new PeerServerClient({ url: `http://127.0.0.1:${port}` })
  const connection = new MemoryConnection('203.0.113.6', 4000)
  server.on('packet', () => {})
  accept(server, connection, '')
  const traffic = setInterval(() => { connection.deliver(frame(1, 'x'.repeat(4096))) }, 5)
  t.teardown(() => { clearInterval(traffic) })
  await until(async () => {
    const { bytesIn } = await client.call('getHistory')
    return bytesIn.filter(rate => rate > 2048).length >= 3
  })
  clearInterval(traffic)
  await page.reload()
  const chart = page.locator('#chart-bytes canvas')
  await page.waitForFunction(() => /iB/.test(document.querySelector('#bytes-unit').textContent))
  const valueText = async () => await chart.getAttribute('aria-valuetext')
  const texts: string[] = []
  await chart.focus()
  for (let i = 0; i < 3; i++) {
    texts.push(await valueText() ?? '')
    await page.keyboard.press('ArrowLeft')
  }
  for (const text of texts) t.match(text, /^\d\d:\d\d:\d\d · in [\d.]+, out [\d.]+ [KM]iB\/s$/)
  t.equal(new Set(texts.map(text => text.slice(0, 8))).size, 3, 'each is another second')
  t.equal(await page.locator('#chart-bytes .reading').isVisible(), true)
  await page.keyboard.press('Shift+Tab')
  t.equal(await page.locator('#chart-bytes .reading').isVisible(), false)
  t.match(await page.locator('#chart-packets canvas').getAttribute('aria-valuetext'), /out [\d.]+ packets\/s$/)
  await page.locator('#chart-peers canvas').hover()
  t.match(await page.locator('#chart-peers .reading').textContent(), /· peers [01]$/)
  await page.mouse.move(0, 0)
  t.equal(await page.locator('#chart-peers .reading').isVisible(), false)
  t.same(unexpected(problems), [])
})

t.test('works by keyboard and on a phone', options, async t => {
  const { page, problems, server } = await openDashboard(t, {
    server: { protocols: ['chat', 'game'], pingInterval: 0 },
    viewport: { width: 390, height: 844 }
  })
  for (let i = 0; i < 120; i++) {
    accept(server, new MemoryConnection(`10.0.0.${i}`, 4000 + i), i % 2 === 0 ? 'chat' : 'game')
  }
  await page.waitForFunction(() => document.querySelectorAll('#peers tbody tr').length === 50)
  await drawn(page)
  t.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true, 'no horizontal scrolling')

  await page.keyboard.press('/')
  await page.keyboard.type('10.0.0.0/29')
  await page.waitForFunction(() => document.querySelectorAll('#peers tbody tr').length === 8)
  const top = async () => await page.evaluate("document.querySelector('#peers').getBoundingClientRect().top")
  const before = await top()
  await page.keyboard.type('x')
  await page.getByText('address must be an IP address or a CIDR range').waitFor()
  t.equal(await top(), before, 'the list stays where it is')
  await page.keyboard.press('Backspace')
  await page.getByText('address must be').waitFor({ state: 'hidden' })

  await page.locator('#peers tbody tr').first().focus()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  const focused = async () => Number(await page.evaluate('document.activeElement.dataset.id'))
  const id = await focused()
  await page.keyboard.press('d')
  await page.getByRole('heading', { name: `Disconnect ${id}` }).waitFor()
  const focus = "document.activeElement.closest('dialog')?.id ?? document.activeElement.tagName"
  t.same(await pressTab(page, 12, focus), ['disconnect-dialog', 'BODY'], 'the dialog keeps the focus')
  await page.keyboard.press('Escape')
  await page.locator('#disconnect-dialog').waitFor({ state: 'hidden' })
  t.equal(await focused(), id, 'the focus returns to the row')
  await page.keyboard.press('d')
  await page.locator('#disconnect-dialog [name=reason]').focus()
  await page.keyboard.type('é'.repeat(62))
  await page.keyboard.press('Enter')
  await page.getByText('124 bytes; at most 123 are allowed').waitFor()
  await page.keyboard.press('Backspace')
  await page.keyboard.press('Enter')
  await row(page, id).waitFor({ state: 'detached' })
  t.equal(server.hasPeer(id), false)
  t.same(unexpected(problems, 'status of 400'), [])
})

t.test('keys of one letter can be turned off, which the browser remembers', options, async t => {
  const { page, problems } = await openDashboard(t)
  const isReady = async () => { await page.locator('#status[data-state=success]').waitFor() }
  const press = async () => {
    await page.keyboard.press('p')
    await page.keyboard.press('s')
    return [await page.getAttribute('#pause', 'aria-pressed'), await page.locator('#send-dialog').isVisible()]
  }
  await isReady()
  await page.uncheck('#shortcuts')
  t.same(await press(), ['false', false])
  await page.reload()
  await isReady()
  t.equal(await page.isChecked('#shortcuts'), false)
  t.same(await press(), ['false', false])
  await page.check('#shortcuts')
  t.same(await press(), ['true', true])
  await page.keyboard.press('Escape')
  await page.reload()
  await isReady()
  t.same(await press(), ['true', true])
  t.same(unexpected(problems), [])
})

t.test('a wide window has the actions on the server in one row', options, async t => {
  const server = { gdMpApi: true, rooms: true, protocols: ['lobby', 'duel'] }
  const { page } = await openDashboard(t, { server, token, viewport: { width: 1280, height: 820 } })
  await signIn(page, token)
  await page.locator('#sign-out').waitFor()
  const tops = await page.$$eval('.actions button', buttons =>
    buttons.map(button => button.getBoundingClientRect().top))
  t.equal(tops.length, 4)
  t.equal(new Set(tops).size, 1)
})

t.test('screen readers announce the state of the server, but not its uptime', options, async t => {
  const { page, problems } = await openDashboard(t)
  await page.locator('#status[data-state=success]').waitFor()
  await page.evaluate(`
    const header = document.querySelector('header .title')
    new MutationObserver(records => {
      const isAnnounced = records.some(({ target }) => target.parentElement.closest('[role=status]') !== null)
      header.dataset.changes = Number(header.dataset.changes ?? 0) + 1
      if (isAnnounced) header.dataset.announced = 'yes'
    }).observe(header, { subtree: true, childList: true, characterData: true })`)
  await page.waitForFunction(() => document.querySelector('header .title').dataset.changes >= 2)
  t.equal(await page.getAttribute('header .title', 'data-announced'), null)
  t.equal(await page.textContent('#status'), 'listening')
  t.match(await page.textContent('#uptime'), /^for \d+/)
  await page.click('#refuse')
  await page.locator('#status', { hasText: 'refusing new connections' }).waitFor()
  t.equal(await page.textContent('#uptime'), '')
  t.same(unexpected(problems), [])
})

t.test('the Tab key reaches every control, and each control shows its focus', options, async t => {
  const { page, problems, server } = await openDashboard(t, { server: { protocols: ['chat'], pingInterval: 0 } })
  const connections = Array.from({ length: 60 }, (_, i) => new MemoryConnection(`10.0.0.${i}`, 4000 + i))
  server.on('packet', () => {})
  await page.waitForFunction(() => document.querySelector('#peers-now').textContent === '0')
  for (const connection of connections) accept(server, connection, 'chat')
  await page.waitForFunction(() => document.querySelectorAll('#peers tbody tr').length === 50)
  await page.locator('#events li').first().waitFor()

  const isOutsideLists = "element.closest('tbody, #events li') === null"
  const focusable = 'button, input, a, select, summary, [tabindex="0"]'
  const controls = await page.evaluate(`[...document.querySelectorAll('${focusable}')]
    .filter(element => !element.disabled && element.checkVisibility() && ${isOutsideLists}).length`)
  const seen = await pressTab(page, 120, `(element => {
    element.dataset.seen = 'yes'
    const { outlineStyle, outlineWidth } = getComputedStyle(element)
    const hasOutline = outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2
    return element === document.body || hasOutline ? '' : element.outerHTML
  })(document.activeElement)`)
  t.same(seen, [''], 'every focused element has an outline')
  t.equal(await page.evaluate(`[...document.querySelectorAll('[data-seen]:not(body)')]
    .filter(element => ${isOutsideLists}).length`), controls)
  t.match(await page.evaluate(`[...document.querySelectorAll('tbody [data-seen]')]
    .map(({ tagName, textContent }) => tagName === 'TR' || textContent)`), [
    true, '', /^\d+$/, 'Send', 'Disconnect', 'Ban'
  ], 'one row and its buttons')
  await page.locator('#peers tbody tr[tabindex="0"]').focus()
  const id = await page.evaluate('document.activeElement.dataset.id')
  await page.evaluate("document.querySelector('[data-sort=bytesIn] button').click()")
  await page.waitForFunction(() => document.querySelector('[data-sort=bytesIn]').ariaSort === 'descending')
  const place = () => page.evaluate("[...document.querySelectorAll('#peers tbody tr')].indexOf(document.activeElement)")
  const first = await place()
  for (const connection of connections) connection.deliver(frame(1, 'hello'))
  connections[server.getPeerPort(Number(id)) - 4000].deliver(frame(1, 'hello once more'))
  await page.waitForFunction(id => document.querySelector('#peers tbody tr').dataset.id === id, id)
  t.equal(await place(), 0, `the focus follows the row from ${first}`)
  t.same(unexpected(problems), [])
})

t.test('opens a room, shows its peers, locks it and closes it with a reason', options, async t => {
  const { page, problems, port, server } = await openDashboard(t, { server: { rooms: true, pingInterval: 0 } })
  await roomRow(page, 'main').waitFor()
  await page.click('#open-room')
  await page.fill('#room-dialog [name=name]', 'arena 7')
  await page.click('#room-dialog .primary')
  await page.locator('#room-dialog .problem', { hasText: 'name must be 1 to 64 letters' }).waitFor()
  await page.fill('#room-dialog [name=name]', 'arena-7')
  await page.fill('#room-dialog [name=maxPeers]', '4')
  await page.click('#room-dialog .primary')
  await page.getByText('Opened room arena-7').waitFor()
  await eventLine(page, 'room opened arena-7').waitFor()
  t.match(server.room('arena-7'), { maxPeers: 4, listed: true })

  const clients = [await connect(t, port, 'arena-7'), await connect(t, port, 'arena-7')]
  const other = await connect(t, port, 'main')
  const members = [...server.room('arena-7').peers()].map(({ id }) => id)
  await roomRow(page, 'arena-7').locator('.count', { hasText: '2 / 4' }).waitFor()
  await page.waitForFunction(() => document.querySelectorAll('#peers tbody tr').length === 3)
  await roomRow(page, 'arena-7').locator('.show').click()
  await page.waitForFunction(() => document.querySelectorAll('#peers tbody tr').length === 2)
  for (const id of members) t.equal(await row(page, id).locator('.room').textContent(), 'arena-7')
  t.equal(await page.inputValue('#filter [name=room]'), 'arena-7')

  await roomRow(page, 'arena-7').locator('.change').click()
  await page.fill('#room-dialog [name=maxPeers]', '')
  await page.click('#room-dialog .primary')
  await page.locator('#room-dialog .problem', { hasText: 'Maximum peers: expected a number' }).waitFor()
  await page.fill('#room-dialog [name=maxPeers]', '5')
  await page.click('#room-dialog .primary')
  await page.getByText('Changed room arena-7').waitFor()
  t.equal(server.room('arena-7').maxPeers, 5)

  await roomRow(page, 'arena-7').locator('.lock').click()
  await roomRow(page, 'arena-7').locator('.state', { hasText: 'locked, listed' }).waitFor()
  t.equal(server.room('arena-7').locked, true)
  await page.getByRole('button', { name: 'Unlock arena-7' }).click()
  await roomRow(page, 'arena-7').locator('.state', { hasText: 'open, listed' }).waitFor()
  t.equal(server.room('arena-7').locked, false)

  const ends = clients.map(client => once(client, 'close'))
  await page.getByRole('button', { name: 'Close arena-7' }).click()
  await page.getByRole('heading', { name: 'Close room arena-7' }).waitFor()
  await page.selectOption('#disconnect-dialog [name=preset]', '4001')
  await page.fill('#disconnect-dialog [name=reason]', 'match over')
  await page.click('#disconnect-dialog .danger')
  t.same((await Promise.all(ends)).map(end => end.map(String)), Array.from({ length: 2 }, () => ['4001', 'match over']))
  await page.getByText('Closing room arena-7 with 2 peers').waitFor()
  await eventLine(page, /room closed arena-7 after .*: 4001 "match over"/).waitFor()
  await roomRow(page, 'arena-7').waitFor({ state: 'detached' })
  await page.getByText('No peers match this filter.').waitFor()
  await page.click('#filter-clear')
  await page.waitForFunction(() => document.querySelectorAll('#peers tbody tr').length === 1)
  t.equal(other.readyState, WebSocket.OPEN)
  t.same(unexpected(problems, 'status of 400'), [])
})

t.test('lists many rooms in pages, sorted and filtered, also on a phone and by keyboard', options, async t => {
  const { page, problems, server } = await openDashboard(t, {
    server: { rooms: true, pingInterval: 0 }, viewport: { width: 390, height: 844 }
  })
  await roomRow(page, 'main').waitFor()
  for (let i = 0; i < 120; i++) server.openRoom(`arena-${String(i).padStart(3, '0')}`)
  await page.waitForFunction(() => document.querySelectorAll('#rooms tbody tr').length === 50)
  await drawn(page)
  t.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true, 'no horizontal scrolling')
  await page.click('#rooms [data-sort=name] button')
  await roomRow(page, 'arena-000').waitFor()
  await page.click('#room-pages-next')
  await roomRow(page, 'arena-050').waitFor()
  t.equal(await page.textContent('#room-pages-range'), '51 – 100 of 121')
  await page.fill('#room-filter [name=q]', '-11')
  await page.waitForFunction(() => document.querySelectorAll('#rooms tbody tr').length === 10)

  await page.locator('#rooms tbody tr').first().focus()
  await page.keyboard.press('ArrowDown')
  t.equal(await page.evaluate('document.activeElement.dataset.id'), 'arena-111')
  for (const text of ['arena-111', 'Change', 'Lock', 'Close']) {
    await page.keyboard.press('Tab')
    t.equal(await page.evaluate('document.activeElement.textContent'), text)
    t.ok(await page.evaluate('parseFloat(getComputedStyle(document.activeElement).outlineWidth)') as number >= 2)
  }
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Close room arena-111' }).waitFor()
  await page.keyboard.press('Escape')
  t.ok(server.hasRoom('arena-111'))
  t.same(unexpected(problems), [])
})

t.test('a server without rooms and cluster shows neither rooms nor nodes', options, async t => {
  const { page, server } = await openDashboard(t, { server: { pingInterval: 0 } })
  accept(server, new MemoryConnection('203.0.113.7', 4000), '')
  await page.locator('#peers tbody tr').waitFor()
  t.same(await page.evaluate(`[...document.querySelectorAll(
    '#rooms-section, #filter-room, #nodes-section, #peers :is(th, td):is(.room, .node)'
  )].map(element => element.checkVisibility())`), Array(7).fill(false))
})

t.test('works with 10,000 peers that send packets, join, and leave all at once', options, async t => {
  const { page, problems, server } = await openDashboard(t, {
    server: { protocols: ['chat', 'game'], pingInterval: 0 }
  })
  await page.locator('#status[data-state=success]').waitFor()
  const reconnects: string[] = []
  page.on('request', request => { if (request.url().includes('/events?')) reconnects.push(request.url()) })
  server.on('packet', () => {})
  const connections = Array.from({ length: 10_000 }, (_, i) =>
    new MemoryConnection(`10.${i % 200}.0.${i >> 8}`, 1000 + i))
  for (const [i, connection] of connections.entries()) accept(server, connection, i % 2 === 0 ? 'chat' : 'game')
  await eventLine(page, /joined ([\d,]+ more peers|\d+ from)/).first().waitFor()
  // The rates of the busiest peers differ, so that their order is known.
  for (const [i, connection] of connections.slice(0, 100).entries()) {
    connection.deliver(frame(1, 'x'.repeat(100 + i)))
  }
  let next = 100
  const traffic = setInterval(() => {
    for (let i = 0; i < 100; i++, next++) connections[100 + next % 9900].deliver(frame(1, 'x'))
    const guest = new MemoryConnection('192.0.2.1', 9)
    connections.push(guest)
    accept(server, guest, 'chat')
  }, 50)
  t.teardown(() => { clearInterval(traffic) })
  await page.waitForFunction(() => Number(document.querySelector('#peers-now').textContent.replace(',', '')) >= 10_000)

  const rows = async () => await page.locator('#peers tbody tr').count()
  const ports = async (count: number) => await page.evaluate(`[...document.querySelectorAll('#peers .address .sub')]
    .slice(0, ${count}).map(({ textContent }) => Number(textContent.slice(1)))`) as number[]
  const busiest = Array.from({ length: 100 }, (_, i) => 1099 - i)
  await page.click('[data-sort=bytesIn] button')
  await until(async () => JSON.stringify(await ports(50)) === JSON.stringify(busiest.slice(0, 50)))
  await page.click('#pages-next')
  await until(async () => JSON.stringify(await ports(50)) === JSON.stringify(busiest.slice(50)))
  t.match(await page.textContent('#pages-range'), /^51 – 100/)
  await page.fill('#filter-address', '10.7.0.0/16')
  await page.waitForFunction(() => [...document.querySelectorAll('#peers tbody .host')]
    .every(({ textContent }) => textContent.startsWith('10.7.')))
  t.equal(await rows(), 50)
  await page.locator('#peers tbody tr').first().focus()
  const id = await page.evaluate('document.activeElement.dataset.id')
  await page.keyboard.press('d')
  await page.getByRole('heading', { name: `Disconnect ${id}` }).waitFor()
  await page.click('#disconnect-dialog .danger')
  await row(page, Number(id)).waitFor({ state: 'detached' })
  t.equal(server.hasPeer(Number(id)), false)
  await page.click('#filter-clear')
  await page.waitForFunction(() => [...document.querySelectorAll('#peers tbody .host')]
    .some(({ textContent }) => !textContent.startsWith('10.7.')))

  await t.test('reads and renders no more than it shows', async t => {
    const began = await page.evaluate(`performance.clearResourceTimings()
      changed = 0
      kept = document.querySelector('#peers tbody tr')
      new MutationObserver(list => { changed += list.flatMap(({ addedNodes }) => [...addedNodes]).length })
        .observe(document.querySelector('#peers tbody'), { childList: true })
      performance.now()`) as number
    const isLater = (count: number) =>
      performance.getEntriesByType('resource').filter(({ name }) => name.includes('/peers?')).length >= count
    await page.waitForFunction(isLater, 4)
    const [ended, requests, changed, elements, isKept] = await page.evaluate(`[
      performance.now(), performance.getEntriesByType('resource').filter(({ name }) => name.includes('/peers?')).length,
      changed,
      document.querySelectorAll('*').length, kept.isConnected
    ]`) as [number, number, number, number, boolean]
    const seconds = (ended - began) / 1000
    t.ok(requests <= 4 * (seconds + 1), `${requests} lists in ${seconds} s, though a peer joins every 50 ms`)
    t.equal(isKept, true)
    t.equal(changed, 0, 'rows are updated, not replaced')
    t.ok(await rows() <= 50)
    t.ok(await page.locator('#events li').count() <= 150)
    t.ok(elements < 3000, `${elements} elements`)
  })

  clearInterval(traffic)
  const began = performance.now()
  for (const connection of connections) connection.disconnect()
  await page.waitForFunction(() => document.querySelector('#peers-now').textContent === '0')
  await page.getByText('No peers connected.').waitFor()
  t.comment(`10,000 peers have left: shown after ${(performance.now() - began).toFixed(0)} ms`)
  await eventLine(page, /left ([\d,]+ more peers|\d+ after .*): connection lost/).first().waitFor()
  t.same(reconnects, [], 'the stream was never cut')
  t.same(unexpected(problems), [])
})

/** Presses Tab repeatedly; resolves with the distinct values of an expression after each press. */
async function pressTab (page: Page, times: number, expression: string): Promise<unknown[]> {
  const seen = new Set()
  for (let i = 0; i < times; i++) {
    await page.keyboard.press('Tab')
    seen.add(await page.evaluate(expression))
  }
  return [...seen]
}

async function connect (t: Test, port: number, room: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/${room}`)
  t.teardown(() => { socket.terminate() })
  await once(socket, 'open')
  return socket
}

function needsBoth () {
  return needsBrowser.skip === false ? skipWithout('godot3-server') : needsBrowser
}
