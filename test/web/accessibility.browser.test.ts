import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults, RunOptions } from 'axe-core'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { startApp } from '../helper/app.ts'
import { openAdminCluster } from '../helper/admin-cluster.ts'
import { needsBrowser } from '../helper/browser/browser.ts'
import { signIn, unexpected, visitDashboard } from '../helper/browser/dashboard.ts'
import { accept } from '../helper/internals.ts'
import { MemoryConnection } from '../helper/memory/memory-connection.ts'
import { joinRoom } from '../helper/memory/memory-cluster.ts'
import { resize } from '../helper/browser/resize.ts'

const token = 'a token of more than thirty-two characters'
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
/** Pixels; the last is the one whose colours are examined in any case. */
const sizes = [{ width: 390, height: 844 }, { width: 820, height: 1180 }, { width: 1440, height: 900 }]
/** Rules of axe-core about colours, by far the slowest ones. */
const colourRules = ['color-contrast', 'link-in-text-block']
const withoutColours = Object.fromEntries(colourRules.map(rule => [rule, { enabled: false }]))
/** Where screenshots of all views are written, to be looked at. */
const folder = process.env.SCREENSHOTS

/**
 * What the page shows: how it gets there, and back to the lists. `part`: the only part of the page that differs from
 * the view before; that of a dialog is the dialog.
 */
interface View {
  readonly show: (page: Page) => Promise<unknown>
  readonly leave?: (page: Page) => Promise<unknown>
  readonly part?: string
}

const escape = async (page: Page): Promise<void> => { await page.keyboard.press('Escape') }
const dialog = (button: string): View => ({
  show: async page => { await page.locator(button).first().click() },
  leave: escape
})

/** Views of a server with rooms, in this order; the first is that of a page without token. */
const views: Record<string, View> = {
  'sign in': { show: async page => { await page.locator('#token-dialog').waitFor() } },
  'wrong token': {
    show: async page => {
      await signIn(page, 'wrong')
      await page.getByText('Wrong token.').waitFor()
    }
  },
  lists: {
    show: async page => {
      await signIn(page, token)
      await page.locator('#peers tbody tr').nth(2).waitFor()
      await page.locator('#rooms tbody tr').first().waitFor()
      await page.locator('#events li').first().waitFor()
    }
  },
  'a selected point of a chart': {
    show: async page => { await page.focus('#chart-bytes canvas') },
    part: '.charts'
  },
  'a wrong filter': {
    show: async page => {
      await page.fill('#filter-address', 'x')
      await page.getByText('address must be an IP address').waitFor()
    },
    leave: async page => { await page.click('#filter-clear') },
    part: '.peers'
  },
  'no match': {
    show: async page => {
      await page.fill('#filter-address', '192.0.2.0/24')
      await page.getByText('No peers match this filter.').waitFor()
    },
    leave: async page => {
      await page.click('#filter-clear')
      await page.locator('#peers tbody tr').nth(2).waitFor()
    },
    part: '.peers'
  },
  'details of a peer': {
    show: async page => {
      await page.locator('#peers tbody .protocol', { hasText: 'game' }).locator('..').locator('.show').click()
      await page.locator('#peer-headers tr').first().waitFor()
      await page.locator('#peer-events li').first().waitFor()
    },
    leave: escape
  },
  'selected peers': {
    show: async page => { await page.check('#peers tbody .select input >> nth=0') },
    part: '.peers'
  },
  'disconnect selected peers': dialog('#selected-disconnect'),
  'ban selected peers': dialog('#selected-ban'),
  'send to selected peers': {
    show: async page => { await page.click('#selected-send') },
    leave: async page => {
      await escape(page)
      await page.click('#select-none')
    }
  },
  'disconnect a peer': dialog('#peers .disconnect'),
  'ban a peer': dialog('#peers .ban'),
  'ban an address': dialog('#add-ban'),
  'send a packet': dialog('#send'),
  'open a room': dialog('#open-room'),
  'change a room': dialog('#rooms .change'),
  'close a room': dialog('#rooms .close'),
  stop: dialog('#listen'),
  'test client': {
    show: async page => {
      await page.click('#client summary')
      await page.click('#client-toggle')
      await page.fill('#client-send [name=body]', 'hello')
      await page.click('#client-submit')
      await page.locator('#client-messages li').first().waitFor()
    },
    leave: async page => { await page.click('#client summary') },
    part: '.client'
  },
  'refusing connections': {
    show: async page => {
      await page.click('#refuse')
      await page.locator('#status[data-state=warning]', { hasText: 'refusing new connections' }).waitFor()
    },
    leave: async page => { await page.click('#refuse') },
    part: 'header'
  },
  'not reachable': {
    show: async page => {
      await page.route('**/api/v1/**', async route => { await route.abort() })
      await page.check('#categories [name=packets]')
      await page.getByText('connection lost, retrying').waitFor()
    },
    leave: async page => {
      await page.unroute('**/api/v1/**')
      await page.locator('#status[data-state=success]').waitFor()
    }
  }
}

/** Views of a node of a cluster. */
const nodeViews: Record<string, View> = {
  nodes: { show: async page => { await page.locator('#nodes tbody tr').nth(1).waitFor() } },
  'drain a node': dialog('#nodes .drain')
}

t.test('every view is accessible and fits, in both themes and all sizes', {
  ...needsBrowser,
  timeout: 240_000
}, async t => {
  const { url, server } = await startApp(t, {
    server: { protocols: ['chat', 'game'], rooms: true, pingInterval: 0 }, admin: { token }
  })
  server.on('packet', () => {})
  server.ban('192.0.2.0/24', { seconds: 3600, reason: 'a reason of more words than fit into its column' })
  const headers = { 'user-agent': 'Godot/3.6', cookie: 'session=secret' }
  const client = new WebSocket(`${url.replace('http', 'ws')}/ws/arena?user=alice`, ['game'], { headers })
  t.teardown(() => { client.terminate() })
  await once(client, 'open')
  for (const address of ['203.0.113.7', '198.51.100.250', '2001:db8:1111:2222:3333:4444:5555:6666']) {
    accept(server, new MemoryConnection(address, 54321), 'chat')
  }
  server.openRoom('a-room-with-a-long-name-'.padEnd(64, 'x'), { maxPeers: 1000 })
  await checkViews(t, url, views)
})

t.test('every view of a node of a cluster is accessible and fits, in both themes and all sizes', {
  ...needsBrowser,
  timeout: 240_000
}, async t => {
  const { nodes, urls } = await openAdminCluster(t, 2)
  for (const node of nodes) await joinRoom(node, 'arena')
  await checkViews(t, urls[0], nodeViews)
})

async function checkViews (t: Test, url: string, views: Record<string, View>): Promise<void> {
  const { page, problems } = await visitDashboard(t, url)
  // By the protocol of the browser, which its content security policy does not concern.
  await page.evaluate(axe)
  for (const [name, { show, leave, part = 'html' }] of Object.entries(views)) {
    await resize(page, sizes.at(-1)!)
    await show(page)
    for (const size of sizes) {
      await resize(page, size)
      const title = `${name}, ${size.width} px`
      const hasOwnColours = size === sizes.at(-1) || await page.evaluate(`(${dependOnWidth})('${part}')`)
      if (hasOwnColours) {
        await page.emulateMedia({ colorScheme: 'dark' })
        t.same(await violations(page, part, { runOnly: colourRules }), [], `${title}, dark: accessible`)
        if (folder !== undefined) await page.screenshot({ path: `${folder}/${name} ${size.width} dark.png` })
        await page.emulateMedia({ colorScheme: 'light' })
      }
      const options = hasOwnColours ? {} : { rules: withoutColours }
      t.same(await violations(page, part, options), [], `${title}: accessible`)
      if (folder !== undefined) await page.screenshot({ path: `${folder}/${name} ${size.width}.png` })
      t.same(await page.evaluate(misfits), [], `${title}: fits`)
    }
    await leave?.(page)
  }
  t.same(unexpected(problems, 'status of 40').filter(problem => !problem.includes('net::ERR_FAILED')), [])
}

/** What axe-core objects to, of any impact: in the open dialog, if there is one, else in a part of the page. */
async function violations (page: Page, part: string, options: RunOptions): Promise<string[]> {
  const source = `axe.run((${elementOf})('${part}'), ${JSON.stringify({ ...options, resultTypes: ['violations'] })})`
  const { violations } = await page.evaluate(source) as AxeResults
  return violations.map(({ id, impact, nodes }) =>
    `${id} (${impact}): ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('\n')}`)
}

/** Source of a function: the open dialog, if there is one, else a part of the page. */
const elementOf = "part => [...document.querySelectorAll('dialog[open]')].at(-1) ?? document.querySelector(part)"

/** Source of a function: whether something has colours only in windows as wide as this one. */
const dependOnWidth = `part => {
  const element = (${elementOf})(part)
  const setsColours = ({ style }) => [...style].some(name => /^--|color|background|opacity|filter|image/.test(name))
  return [...document.styleSheets].flatMap(sheet => [...sheet.cssRules])
    .filter(({ conditionText = '' }) => conditionText.includes('width') && matchMedia(conditionText).matches)
    .flatMap(({ cssRules }) => [...cssRules].filter(setsColours))
    .map(({ selectorText }) => selectorText.replace(/::[\\w-]+/g, ''))
    .some(selector => element.matches(selector) || element.querySelector(selector) !== null)
}`

/**
 * Source of a list of what does not fit: a page or a table that scrolls sideways, a heading that is cut, a value or a
 * label on two lines, a button outside of the screen.
 */
const misfits = `(() => {
  const all = selector => [...document.querySelectorAll(selector)].filter(element => element.checkVisibility())
  const describe = (fault, elements) => elements.map(element => fault + ': ' + element.outerHTML.slice(0, 200))
  const isBroken = element => {
    const range = document.createRange()
    range.selectNodeContents(element)
    const parts = [...range.getClientRects()].filter(({ width }) => width > 0)
    return Math.max(...parts.map(({ top }) => top)) >= Math.min(...parts.map(({ bottom }) => bottom))
  }
  const dialog = document.querySelector('dialog[open]')
  const page = document.documentElement
  const sticksOut = element => element.getBoundingClientRect().right > innerWidth
  return [
    ...describe('scrolls sideways', page.scrollWidth > innerWidth ? [page, ...all('body *').filter(sticksOut)] : []),
    ...describe('table too wide', all('.scroll').filter(box => box.scrollWidth > box.clientWidth)),
    ...describe('cut', all('h1, h2, th button, th.plain, figcaption, .status')
      .filter(element => element.scrollWidth > element.clientWidth + 1)),
    ...describe('on two lines', all('h1, .status, figcaption strong, button, td > span, td.age, td.id, td.state')
      .filter(isBroken)),
    ...describe('outside', [...dialog?.querySelectorAll('button, input, h2') ?? all('.actions button')]
      .filter(element => element.checkVisibility())
      .filter(element => element.getBoundingClientRect().right > innerWidth))
  ]
})()`
