import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import type { Test } from 'tap'
import { browserCommand, findProgram } from '../../../scripts/test/test-programs.mjs'
import { skipWithout } from '../programs/skip-without.ts'

/** Options of tests that open a page. */
export const needsBrowser = skipWithout(browserCommand)

/** A page of a real browser, and its console errors, exceptions and failed requests so far. */
export interface MonitoredPage { page: Page, problems: string[] }

// No sandbox, as CI runs as root. The other flags disable network requests of Chromium itself.
const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync']

/** Milliseconds that the browser stays for the next test. */
const LINGER = 1000
/** Milliseconds that a page may take for what a test waits for, on a machine that is busy. */
const TIMEOUT = 60_000

/** The browser that the tests of a file share, the contexts that are open in it, and when it is closed. */
let browser: Promise<Browser> | undefined
let open = 0
let closing: NodeJS.Timeout | undefined

/**
 * Opens an empty page in Chromium, with its own storage; the test closes it. Animations are off, which saves a fifth of
 * the browser's CPU time.
 */
export async function openPage (t: Test): Promise<MonitoredPage> {
  clearTimeout(closing)
  open++
  t.teardown(() => { if (--open === 0) closing = setTimeout(close, LINGER) })
  browser ??= chromium.launch({ executablePath: findProgram(browserCommand), headless: true, args })
  const context = await (await browser).newContext({ ignoreHTTPSErrors: true, reducedMotion: 'reduce' })
  t.teardown(async () => { await context.close() })
  return await monitor(context)
}

async function close (): Promise<void> {
  const ended = browser
  browser = undefined
  await (await ended)?.close()
}

async function monitor (context: BrowserContext): Promise<MonitoredPage> {
  const page = await context.newPage()
  page.setDefaultTimeout(TIMEOUT)
  const problems: string[] = []
  page.on('console', message => { if (message.type() === 'error') problems.push(message.text()) })
  page.on('pageerror', error => { problems.push(error.message) })
  page.on('requestfailed', request => { problems.push(`${request.url()}: ${request.failure()?.errorText}`) })
  return { page, problems }
}
