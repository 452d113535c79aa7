import { once } from 'node:events'
import type { Page, Route } from 'playwright-core'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { PeerServerClient } from '../../src/client/client.ts'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { encodeRelayPacket } from '../../src/protocol/multiplayer/relay-packet.ts'
import { startApp } from '../helper/app.ts'
import { needsBrowser } from '../helper/browser/browser.ts'
import { eventLine, unexpected, visitDashboard } from '../helper/browser/dashboard.ts'
import { nextMessage } from '../helper/host.ts'
import { accept } from '../helper/internals.ts'
import { MemoryConnection } from '../helper/memory/memory-connection.ts'
import { nextSignal } from '../helper/next-signal.ts'
import { until } from '../helper/until.ts'

// For functions that run in the page; a string would not do, because the policy of the page forbids eval.
declare const document: any

const options = { ...needsBrowser, timeout: 300_000 }
const secret = 'hunter2-hunter2-hunter2'

const row = (page: Page, table: string, id: number | string) => page.locator(`#${table} tbody tr[data-id="${id}"]`)
const rows = async (page: Page, table: string, count: number) => {
  await page.waitForFunction(([table, count]) =>
    document.querySelectorAll(`#${table} tbody tr`).length === count, [table, count] as const)
}

/** Waits for a message that nothing covers, in a part of the page that screen readers announce. */
const isOnTop = async (page: Page, text: string) => {
  await page.waitForFunction(text => [...document.querySelectorAll('[role=status] p')].some(message => {
    const { x, y, width, height } = message.getBoundingClientRect()
    return message.textContent === text && document.elementFromPoint(x + width / 2, y + height / 2) === message
  }), text)
}

/** What all parts of the test share: a service with a plain server and relays of Godot 3 and 4, and its dashboard. */
async function openDashboard (t: Test) {
  const quiet = { pingInterval: 0, closeTimeout: 0.3, maxPeersPerAddress: 0 }
  const { service, port } = await startApp(t, {
    server: {
      ...quiet,
      rooms: true,
      protocols: ['chat', 'game'],
      onHandshake: async ({ query: { user } }) => ({ data: user === undefined ? undefined : { user } })
    },
    more: [
      { ...quiet, name: 'godot3', path: '/ws3', gdMpApi: true },
      { ...quiet, name: 'godot4', path: '/ws4', gdMpApi: true, wire: 'godot4' },
      { ...quiet, name: 'separate', port: 0, bindIp: '127.0.0.1', rooms: true }
    ],
    admin: { auth: false }
  })
  const { page, problems } = await visitDashboard(t, `http://127.0.0.1:${port}`, { width: 1440, height: 900 })
  await page.locator('#status[data-state=success]').waitFor()
  const servers = service as unknown as Record<string, WebSocketServer>
  return { page, problems, port, servers, server: service.peerServer }
}

t.test('the history of a server that is not shown any more is not in the charts', options, async t => {
  const { page, problems } = await openDashboard(t)
  let late: Route | undefined
  await page.route('**/api/v1/server/history', route => { late = route }, { times: 1 })
  await page.reload()
  await until(() => late !== undefined)
  await page.locator('#status[data-state=success]').waitFor()
  await page.selectOption('#server', 'godot4')
  await page.locator('#endpoint', { hasText: '/ws4' }).waitFor()
  await late!.fulfill({
    json: {
      at: new Date().toISOString(),
      interval: 1,
      ...Object.fromEntries(['peers', 'packetsIn', 'packetsOut', 'bytesIn', 'bytesOut'].map(name => [name, [2 ** 40]]))
    }
  })
  for (let stats = 0; stats < 2; stats++) {
    const uptime = await page.textContent('#uptime')
    await page.waitForFunction(uptime => document.querySelector('#uptime').textContent !== uptime, uptime)
  }
  t.equal(await page.textContent('#bytes-unit'), 'B/s')
  t.same(unexpected(problems), [])
})

t.test('administers peers and bans, and tries the server out', options, async t => {
  const { page, problems, port, servers, server } = await openDashboard(t)
  const client = new PeerServerClient({ url: `http://127.0.0.1:${port}` })
  server.on('packet', () => {})

  await t.test('shows details of a peer: handshake without secrets, data, traffic, history', async t => {
    const joined = nextSignal(server, 'client_connected')
    const client = await connect(t, `ws://127.0.0.1:${port}/ws/arena?user=alice&token=${secret}`, ['chat'], {
      authorization: `Bearer ${secret}`,
      cookie: `session=${secret}`,
      'x-game-token': secret,
      'user-agent': 'Godot/3.6'
    })
    const [id] = await joined
    await row(page, 'peers', id).locator('.show').click()
    const dialog = page.locator('#peer-dialog')
    await dialog.getByRole('heading', { name: `Peer ${id}` }).waitFor()
    await dialog.locator('#peer-state', { hasText: 'open' }).waitFor()
    await dialog.getByText('"user": "alice"').waitFor()
    await dialog.getByText('/ws/arena?user=alice&token=***').waitFor()
    const headers = Object.fromEntries(await page.evaluate(`[...document.querySelectorAll('#peer-headers tr')]
      .map(row => [...row.cells].map(cell => cell.textContent))`) as Array<[string, string]>)
    t.match(headers, {
      authorization: '***',
      cookie: '***',
      'x-game-token': '***',
      'sec-websocket-key': '***',
      'sec-websocket-protocol': 'chat',
      'user-agent': 'Godot/3.6',
      host: `127.0.0.1:${port}`
    })
    t.notMatch(await page.content(), secret)
    t.match(await fact(page, 'Address'), `127.0.0.1:${server.getPeerPort(id)}`)
    t.match(await fact(page, 'Subprotocol'), 'chat')
    await dialog.locator('#peer-events li', { hasText: `joined ${id} in arena` }).waitFor()

    client.send('hello')
    await until(async () => (await fact(page, 'Received')).startsWith('1 packet, 5 B · '))
    await page.check('#peer-packets')
    await dialog.locator('#peer-events li', { hasText: 'joined' }).waitFor()
    client.send('once more')
    await dialog.locator('#peer-events li', { hasText: 'once more' }).waitFor()

    await page.click('#peer-send')
    await page.fill('#send-dialog textarea', 'are you there?')
    const answer = nextMessage(client)
    await page.click('#send-dialog .primary')
    t.equal(String((await answer).bytes), 'are you there?')
    await isOnTop(page, 'Sent to 1 peer')
    await page.click('#peer-disconnect')
    await page.getByRole('heading', { name: `Disconnect ${id}` }).waitFor()
    await page.click('#disconnect-dialog .danger')
    await isOnTop(page, `Disconnecting ${id} with code 1000`)
    await dialog.locator('#peer-state', { hasText: 'left' }).waitFor()
    await dialog.locator('#peer-events li', { hasText: `left ${id}` }).waitFor()
    t.equal(await page.isDisabled('#peer-disconnect'), true)
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
  })

  await t.test('bans an address or a range for a time, and lifts the ban', async t => {
    await page.getByText('No bans.').waitFor()
    await page.click('#add-ban')
    await page.fill('#ban-dialog [name=address]', '192.0.2.7/33')
    await page.click('#ban-dialog .danger')
    await page.locator('#ban-dialog .problem', { hasText: 'must be an IP address or a CIDR range' }).waitFor()
    await page.fill('#ban-dialog [name=address]', '192.0.2.7/24')
    await page.selectOption('#ban-dialog [name=duration]', 'other')
    await page.fill('#ban-dialog [name=minutes]', '90')
    await page.fill('#ban-dialog [name=reason]', 'spam')
    await page.click('#ban-dialog .danger')
    await page.getByText('Banned 192.0.2.0/24').waitFor()
    const ban = row(page, 'bans', '192.0.2.0/24')
    await ban.locator('.expires', { hasText: /^in 1h (29|30)m$/ }).waitFor()
    t.equal(await ban.locator('.reason').textContent(), 'spam')
    t.match(server.bans(), [{ address: '192.0.2.0/24', reason: 'spam' }])
    await page.getByRole('button', { name: 'Lift the ban on 192.0.2.0/24' }).click()
    await ban.waitFor({ state: 'detached' })
    t.same(server.bans(), [])
    // Of others, too.
    await client.call('ban', {}, { address: '2001:db8::/32' })
    await row(page, 'bans', '2001:db8::/32').locator('.expires', { hasText: 'never' }).waitFor()
    await client.call('unban', { address: '2001:db8::/32' })
    await rows(page, 'bans', 0)
  })

  await t.test('bans a peer by key, and says how many peers its address has', async t => {
    const clients = await join(server, ['198.51.100.1', '198.51.100.1', '198.51.100.2'])
    await row(page, 'peers', clients[0].id).focus()
    await page.keyboard.press('b')
    t.equal(await page.inputValue('#ban-dialog [name=address]'), '198.51.100.1')
    await page.getByText('2 connected peers will be disconnected.').waitFor()
    await page.selectOption('#ban-dialog [name=duration]', { label: 'permanent' })
    await page.click('#ban-dialog .danger')
    for (const { id } of clients.slice(0, 2)) await row(page, 'peers', id).waitFor({ state: 'detached' })
    await row(page, 'peers', clients[2].id).waitFor()
    t.match(server.bans(), [{ address: '198.51.100.1', until: undefined }])
    await page.getByRole('button', { name: 'Lift the ban on 198.51.100.1' }).click()
    await rows(page, 'bans', 0)
    clients[2].connection.disconnect()
    await rows(page, 'peers', 0)
  })

  await t.test('acts on selected peers, and on all that match the filter', async t => {
    const chat = await join(server, Array.from({ length: 60 }, (_, i) => `10.0.0.${i}`), 'chat')
    const game = await join(server, Array.from({ length: 60 }, (_, i) => `10.0.1.${i}`), 'game')
    await page.locator('#pages-range', { hasText: '1 – 50 of 120' }).waitFor()
    await page.click('#pages-next')
    await page.locator('#pages-range', { hasText: '51 – 100 of 120' }).waitFor()
    await page.click('#pages-first')

    await page.fill('#filter [name=protocol]', 'game')
    await page.locator('#pages-range', { hasText: '1 – 50 of 60' }).waitFor()
    await page.locator('#peers tbody tr').first().focus()
    await page.keyboard.press('x')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('x')
    await page.getByText('2 peers selected').waitFor()
    await page.check('#select-page')
    await page.getByText('50 peers selected').waitFor()
    await page.getByRole('button', { name: 'Select all 60 that match' }).click()
    await page.getByText('All 60 peers that match selected').waitFor()
    const unchecked = Number(await page.locator('#peers tbody tr').first().getAttribute('data-id'))
    await row(page, 'peers', unchecked).locator('.select input').uncheck()
    await page.getByText('All 59 peers that match selected').waitFor()

    await page.click('#selected-send')
    t.equal(await page.textContent('#to-selected'), ' all 59 peers that match')
    await page.fill('#send-dialog textarea', 'five minutes left')
    for (const { connection } of [...chat, ...game]) connection.take()
    await page.click('#send-dialog .primary')
    await page.getByText('Sent to 59 peers').waitFor()
    const got = [...chat, ...game].filter(({ connection }) => connection.take().includes('five minutes left'))
    t.same(got.map(({ id }) => id), game.map(({ id }) => id).filter(id => id !== unchecked))
    await page.locator('#selection').waitFor({ state: 'hidden' })

    for (const { id } of [chat[1], chat[3]]) {
      await page.fill('#filter [name=protocol]', '')
      await page.fill('#filter [name=id]', String(id))
      await row(page, 'peers', id).locator('.select input').check()
    }
    await page.click('#selected-disconnect')
    await page.getByRole('heading', { name: 'Disconnect 2 peers?' }).waitFor()
    await page.click('#disconnect-dialog [data-close]')
    t.equal(server.peerCount, 120, 'not without confirmation')
    await page.click('#selected-disconnect')
    await page.selectOption('#disconnect-dialog [name=preset]', '4001')
    await page.getByRole('button', { name: 'Disconnect 2 peers' }).click()
    await page.getByText('Disconnecting 2 peers with code 4001').waitFor()
    await until(() => server.peerCount === 118)

    await page.click('#filter-clear')
    await page.fill('#filter [name=address]', '10.0.1.0/24')
    await page.locator('#pages-range', { hasText: 'of 60' }).waitFor()
    await page.check('#select-page')
    await page.click('#select-all')
    await page.click('#selected-ban')
    await page.getByRole('heading', { name: 'Ban the addresses of all 60 peers that match?' }).waitFor()
    await page.getByRole('button', { name: 'Ban 60 peers' }).click()
    await page.getByText('Banned 60 addresses of 60 peers').waitFor()
    await until(() => server.peerCount === 58)
    t.equal(server.bans().length, 60)
    await page.locator('#ban-pages-range', { hasText: '1 – 50 of 60' }).waitFor()
    await page.fill('#ban-filter [name=q]', '10.0.1.5')
    await page.locator('#ban-pages-range', { hasText: '1 – 11 of 11' }).waitFor()
    await page.click('#ban-filter-clear')
    for (const { address } of server.bans()) server.unban(address)
    await page.click('#filter-clear')
    for (const { connection } of chat) connection.disconnect()
    await rows(page, 'peers', 0)
  })

  await t.test('shows the right part of a list when items of other pages are gone', async t => {
    for (let i = 1; i < 51; i++) server.ban(`192.0.2.${i}`)
    await client.call('ban', {}, { address: '192.0.2.0' })
    const clients = await join(server, Array.from({ length: 52 }, (_, i) => `10.0.0.${i}`))
    for (const [table, pages] of [['bans', 'ban-pages'], ['peers', 'pages']]) {
      await page.locator(`#${pages}-range`, { hasText: /of 5[12]$/ }).waitFor()
      await page.click(`#${pages}-next`)
      await rows(page, table, table === 'bans' ? 1 : 2)
    }
    const shown = new Set(await page.evaluate(`[...document.querySelectorAll('#peers tbody tr')]
      .map(row => Number(row.dataset.id))`) as number[])
    for (const { connection } of clients.filter(({ id }) => !shown.has(id)).slice(0, 3)) connection.disconnect()
    await page.locator('#pages-range', { hasText: '48 – 49 of 49' }).waitFor()
    for (const { connection } of clients.filter(({ id }) => shown.has(id))) connection.disconnect()
    await page.click('#bans .lift')
    await page.locator('#pages-range', { hasText: '1 – 47 of 47' }).waitFor()
    await page.locator('#ban-pages-range', { hasText: '1 – 50 of 50' }).waitFor()
    for (const { address } of server.bans()) server.unban(address)
    for (const { connection } of clients) connection.disconnect()
    await rows(page, 'peers', 0)
  })

  await t.test('opens a room with all its settings, and changes them', async t => {
    await page.click('#open-room')
    await page.fill('#room-dialog [name=name]', 'lobby-1')
    await page.fill('#room-dialog [name=emptyTimeout]', '600')
    await page.fill('#room-dialog [name=data]', '{"map": desert}')
    await page.click('#room-dialog .primary')
    await page.locator('#room-dialog .problem', { hasText: 'Invalid data' }).waitFor()
    await page.fill('#room-dialog [name=data]', '{"map": "desert"}')
    await page.click('#room-dialog .primary')
    await page.getByText('Opened room lobby-1').waitFor()
    t.match(server.room('lobby-1'), { emptyTimeout: 600, data: { map: 'desert' }, locked: false, listed: true })
    await page.getByRole('button', { name: 'Change lobby-1' }).click()
    await page.getByRole('heading', { name: 'Change room lobby-1' }).waitFor()
    t.equal(await page.inputValue('#room-dialog [name=data]'), '{\n  "map": "desert"\n}')
    await page.fill('#room-dialog [name=maxPeers]', '8')
    await page.fill('#room-dialog [name=data]', '')
    await page.uncheck('#room-dialog [name=listed]')
    await page.check('#room-dialog [name=locked]')
    await page.click('#room-dialog .primary')
    await row(page, 'rooms', 'lobby-1').locator('.state', { hasText: 'locked, unlisted' }).waitFor()
    t.match(server.room('lobby-1'), { maxPeers: 8, emptyTimeout: 600, locked: true, listed: false })
    t.same(server.room('lobby-1').data, {})

    await page.getByRole('button', { name: 'Change lobby-1' }).click()
    await page.locator('#room-dialog').waitFor()
    Object.assign(server.room('lobby-1'), { locked: false, data: { map: 'forest' } })
    await page.fill('#room-dialog [name=maxPeers]', '9')
    await page.click('#room-dialog .primary')
    await page.locator('#room-dialog').waitFor({ state: 'hidden' })
    t.match(server.room('lobby-1'), { maxPeers: 9, locked: false, listed: false, data: { map: 'forest' } },
      'keeps what others have changed in the meantime')
  })

  await t.test('the test client connects as a plain client', async t => {
    await page.click('#client summary')
    await page.fill('#client-connect [name=room]', 'lobby-2')
    await page.fill('#client-connect [name=protocol]', 'nonsense')
    await page.click('#client-toggle')
    await page.locator('#client-problem', { hasText: 'the server refused the handshake' }).waitFor()
    await eventLine(page, 'sub-protocol-mismatch').waitFor()
    await page.fill('#client-connect [name=protocol]', 'game')
    const joined = nextSignal(server, 'client_connected')
    await page.click('#client-toggle')
    const [id] = await joined
    await page.locator('#client-state', { hasText: 'connected with game' }).waitFor()
    t.match(server.getPeer(id), { protocol: 'game', room: { name: 'lobby-2' } })
    const text = nextSignal(server, 'packet')
    await page.fill('#client-send [name=body]', 'hello')
    await page.keyboard.press('Enter')
    t.same(await text, [id, Buffer.from('hello'), true])
    const binary = nextSignal(server, 'packet')
    await page.selectOption('#client-send [name=kind]', 'hex')
    await page.fill('#client-send [name=body]', '00 ff')
    await page.click('#client-submit')
    t.same(await binary, [id, Buffer.of(0, 255), false])
    await page.fill('#client-send [name=body]', '0')
    await page.keyboard.press('Enter')
    await page.locator('#client-send-problem', { hasText: 'pairs of hex digits' }).waitFor()
    server.getPeer(id).send(Buffer.from('welcome'), true)
    await message(page, /received text "welcome" 7 B/).waitFor()
    server.disconnectPeer(id, 4001, 'rude')
    await message(page, /closed 4001 "rude"/).waitFor()
    await page.locator('#client-state', { hasText: 'not connected' }).waitFor()
  })

  await t.test('the test client connects as a peer of Godot 3 and Godot 4', async t => {
    for (const [name, target] of [['godot3', ' to all'], ['godot4', '']] as const) {
      const relay = servers[name]
      await page.selectOption('#server', name)
      await until(async () => (await page.inputValue('#client-connect [name=url]')).endsWith(relay.options.path))
      t.equal(await page.inputValue('#client-connect [name=as]'), name)
      await page.click('#client-clear')
      const joined = nextSignal(relay, 'peer_connected')
      await page.click('#client-toggle')
      const [id] = await joined
      await page.locator('#client-state', { hasText: `connected as peer ${id}` }).waitFor()
      const others = nextSignal(relay, 'peer_connected')
      const other = await connect(t, `ws://127.0.0.1:${port}${relay.options.path}`)
      const [otherId] = await others
      await message(page, `received add ${otherId}`).waitFor()

      const atServer = nextSignal(relay, 'peer_packet')
      await page.selectOption('#client-send [name=kind]', 'text')
      await page.selectOption('#client-send [name=to]', 'server')
      await page.fill('#client-send [name=body]', 'to you')
      await page.click('#client-submit')
      t.equal((await atServer)[0], id)
      const atOther = nextMessageWith(other, 'to all')
      await page.selectOption('#client-send [name=to]', 'all')
      await page.fill('#client-send [name=body]', 'to all')
      await page.click('#client-submit')
      t.match(String(await atOther), 'to all')

      other.send(name === 'godot3'
        ? encodeRelayPacket(0, otherId, 0, Buffer.from('\x04hi there'))
        : Buffer.from([7, 3, 0, 0, 0, 0, 3, ...Buffer.from('hi there')]))
      await message(page, `received packet from ${otherId}${target}: "hi there" 8 B`).waitFor()
      other.close()
      await message(page, `received del ${otherId}`).waitFor()
      await page.click('#client-toggle')
      await message(page, 'closed 1000').waitFor()
    }
  })

  await t.test('the test client connects to a server on its own port', async t => {
    await page.reload()
    await page.locator('#status[data-state=success]').waitFor()
    await page.selectOption('#server', 'separate')
    const { separate } = servers
    const showsPort = async () => {
      await until(async () => (await page.inputValue('#client-connect [name=url]')).endsWith(`:${separate.port}/ws`))
    }
    await showsPort()
    await page.click('#client summary')
    const joined = nextSignal(separate, 'client_connected')
    await page.fill('#client-connect [name=room]', 'arena')
    await page.click('#client-toggle')
    const [id] = await joined
    t.equal(separate.getPeer(id).room.name, 'arena')
    await page.locator('#client-state', { hasText: 'connected' }).waitFor()
    await page.click('#client-toggle')
    await message(page, 'closed 1000').waitFor()

    await separate.stop()
    await separate.listen(0)
    await showsPort()
    await page.click('#client-toggle')
    await page.getByText('The security policy of this page blocks this address.').waitFor()
    await page.locator('#client-state', { hasText: 'not connected' }).waitFor()
    await page.selectOption('#server', 'peerServer')
  })

  t.same(unexpected(problems, 'status of 40').filter(problem => !/WebSocket connection to|connect-src/.test(problem)), [])
})

async function fact (page: Page, name: string): Promise<string> {
  return await page.evaluate(`[...document.querySelectorAll('#peer-facts dt')]
    .find(({ textContent }) => textContent === ${JSON.stringify(name)})?.nextElementSibling.textContent ?? ''`)
}

function message (page: Page, text: string | RegExp) {
  return page.locator('#client-messages li', { hasText: text })
}

/** Peers from these addresses. */
async function join (
  server: WebSocketServer, addresses: readonly string[], protocol = ''
): Promise<Array<{ id: number, connection: MemoryConnection }>> {
  const joined: Array<{ id: number, connection: MemoryConnection }> = []
  for (const [i, address] of addresses.entries()) {
    const connection = new MemoryConnection(address, 4000 + i)
    const connected = nextSignal(server, 'client_connected')
    accept(server, connection, protocol)
    const [id] = await connected
    joined.push({ id, connection })
  }
  return joined
}

async function connect (
  t: Test, url: string, protocols: string[] = [], headers: Record<string, string> = {}
): Promise<WebSocket> {
  const socket = new WebSocket(url, protocols, { headers })
  t.teardown(() => { socket.terminate() })
  await once(socket, 'open')
  return socket
}

/** The next message of a client that contains this text. */
async function nextMessageWith (socket: WebSocket, text: string): Promise<Buffer> {
  for (;;) {
    const { bytes } = await nextMessage(socket)
    if (bytes.includes(text)) return bytes
  }
}
