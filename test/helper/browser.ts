import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import type { Test } from 'tap'
import { findProgram } from '../../scripts/test-programs.mjs'

/** A page of a real browser, and its console errors, exceptions and failed requests so far. */
export interface MonitoredPage { page: Page, problems: string[] }

// No sandbox, as CI runs as root. The other flags disable network requests of Chromium itself.
const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync']

/** Opens an empty page in a Chromium with a new profile; the test closes it. */
export async function openPage (t: Test): Promise<MonitoredPage> {
  const profile = await mkdtemp(join(tmpdir(), 'chromium-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: findProgram('chromium'),
    headless: true,
    ignoreHTTPSErrors: true,
    args
  })
  t.teardown(async () => {
    await context.close()
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  })
  return await monitor(context)
}

async function monitor (context: BrowserContext): Promise<MonitoredPage> {
  const page = await context.newPage()
  const problems: string[] = []
  page.on('console', message => { if (message.type() === 'error') problems.push(message.text()) })
  page.on('pageerror', error => { problems.push(error.message) })
  page.on('requestfailed', request => { problems.push(`${request.url()}: ${request.failure()?.errorText}`) })
  return { page, problems }
}
