import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import type { Locator, Page } from 'playwright-core'
import t from 'tap'
import { WebSocket } from 'ws'
import app from '../app.ts'
import { openPage } from './helper/browser.ts'
import { skipWithout } from './helper/skip-without.ts'
import { nextSignal } from './helper/next-signal.ts'

const token = 'x'.repeat(32)

t.test('Swagger UI in a browser: enter the token, find a peer, disconnect it', skipWithout('chromium'), async t => {
  const service = Fastify()
  t.teardown(async () => { await service.close() })
  await service.register(app, { server: { gdMpApi: true }, admin: { token } })
  await service.listen({ port: 0, host: '127.0.0.1' })
  const { port } = service.server.address() as AddressInfo
  const connected = nextSignal(service.peerServer, 'peer_connected')
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`)
  t.teardown(() => { socket.terminate() })
  const [id] = await connected

  const { page, problems } = await openPage(t)
  page.setDefaultTimeout(90_000)
  await page.goto(`http://127.0.0.1:${port}/docs`)
  await enter(page)

  const list = await execute(page, 'peers', async () => {})
  t.equal(list.status, '200')
  t.match(JSON.parse(list.body), { items: [{ id, state: 'open', address: '127.0.0.1' }], nextCursor: null })

  // Not within seconds: a browser may be slow.
  const end = once(socket, 'close')
  const disconnected = await execute(page, 'disconnectPeer', async operation => {
    await parameter(operation, 'code', '4001')
    await parameter(operation, 'reason', 'kicked')
    await parameter(operation, 'wait', '2')
    await parameter(operation, 'id', String(id))
  })
  t.equal(disconnected.status, '200')
  t.match(JSON.parse(disconnected.body), { outcome: 'clean', code: 4001 })
  const [code, reason] = await end
  t.same([code, String(reason)], [4001, 'kicked'])
  t.same(JSON.parse((await execute(page, 'peers', async () => {})).body), { items: [], nextCursor: null })
  t.same(problems, [])
  if (process.env.SCREENSHOT !== undefined) await page.screenshot({ path: process.env.SCREENSHOT, fullPage: true })
})

/** Types the token into the dialog behind the lock. */
async function enter (page: Page): Promise<void> {
  await page.locator('.auth-wrapper .authorize').click()
  await page.locator('.auth-container input').fill(token)
  await page.locator('.auth-btn-wrapper .authorize').click()
  await page.locator('.auth-btn-wrapper .btn-done').click()
}

/** Opens an operation, fills it, executes it: the status and the body that the page shows. */
async function execute (
  page: Page, operationId: string, fill: (operation: Locator) => Promise<void>
): Promise<{ status: string, body: string }> {
  const operation = page.locator(`[id$="-${operationId}"]`)
  await operation.locator('.opblock-summary-control').click()
  await fill(operation)
  const answered = page.waitForResponse(answer => answer.url().includes('/api/v1/'))
  await operation.locator('button.execute').click()
  const body = await (await answered).text()
  const status = (await operation.locator('.live-responses-table tbody .response-col_status').first()
    .innerText()).trim().split(/\s/)[0]
  await operation.locator('.opblock-summary-control').click()
  return { status, body }
}

async function parameter (operation: Locator, name: string, value: string): Promise<void> {
  await operation.locator(`tr[data-param-name="${name}"] input`).fill(value)
}
