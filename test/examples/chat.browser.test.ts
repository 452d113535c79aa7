import type { Page } from 'playwright-core'
import t from 'tap'
import { WebSocket } from 'ws'
import { once } from 'node:events'
import { needsBrowser, openPage } from '../helper/browser/browser.ts'
import { freePort } from '../helper/free-port.ts'
import { startExample } from '../helper/programs/running-program.ts'

t.test('two people chat in a browser, also after the server has restarted', needsBrowser, async t => {
  const port = await freePort()
  const server = startExample(t, 'chat', port)
  await server.until(/listening at/)
  const { page: ann, problems } = await openPage(t)
  const ben = await ann.context().newPage()
  await enter(ann, port, 'Ann')
  await hears(ann, 'Ann is here')
  await enter(ben, port, 'Ben')
  await hears(ben, 'Ann is here')
  await hears(ann, 'Ben is here')

  await t.test('messages are text, whatever is in them', async () => {
    await say(ann, '<b>hello</b>')
    await hears(ben, 'Ann: <b>hello</b>')
    t.same(problems, [])
  })

  await t.test('a client without a name is refused', async t => {
    const [, response] = await once(new WebSocket(`ws://127.0.0.1:${port}/chat?name=%20`, 'chat'), 'unexpected-response')
    t.equal(response.statusCode, 400)
    response.resume()
  })

  await t.test('both users are back after a restart of the server', async () => {
    await server.kill()
    await ben.getByText('Connection lost').waitFor()
    await startExample(t, 'chat', port).until(/listening at/)
    await hears(ann, 'Ben is here')
    await say(ben, 'again')
    await hears(ann, 'Ben: again')
  })

  await ben.close()
  await hears(ann, 'Ben has left')
})

async function enter (page: Page, port: number, name: string): Promise<void> {
  await page.goto(`http://127.0.0.1:${port}/`)
  await page.getByLabel('Your name').fill(name)
  await page.getByRole('button', { name: 'Enter' }).click()
}

async function say (page: Page, text: string): Promise<void> {
  await page.getByLabel('Message').fill(text)
  await page.getByRole('button', { name: 'Send' }).click()
}

async function hears (page: Page, text: string): Promise<void> {
  await page.getByRole('listitem').filter({ hasText: text }).first().waitFor()
}
