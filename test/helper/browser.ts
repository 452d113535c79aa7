import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import type { Test } from 'tap'
import { findProgram } from '../../scripts/test-programs.mjs'

/** A page of a real browser, and what went wrong in it so far: console errors, exceptions, failed requests. */
export interface MonitoredPage { page: Page, problems: string[] }

// No sandbox: CI runs as root. The rest keeps Chromium from talking to anyone but us.
const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync']

/** Opens an empty page in a Chromium with a profile of its own; both end with the test. */
export async function openPage (t: Test): Promise<MonitoredPage> {
  const profile = await mkdtemp(join(tmpdir(), 'chromium-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: findProgram('chromium'),
    headless: true,
    args
  })
  t.teardown(async () => {
    await context.close()
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  })
  return await watch(context)
}

async function watch (context: BrowserContext): Promise<MonitoredPage> {
  const page = await context.newPage()
  const problems: string[] = []
  page.on('console', message => { if (message.type() === 'error') problems.push(message.text()) })
  page.on('pageerror', error => { problems.push(error.message) })
  page.on('requestfailed', request => { problems.push(`${request.url()}: ${request.failure()?.errorText}`) })
  return { page, problems }
}
