import type { Page } from 'playwright-core'
import type { Test } from 'tap'
import { openPage, type MonitoredPage } from './browser.ts'

/** Opens a dashboard; violations of the content security policy are among the problems. */
export async function visitDashboard (
  t: Test, url: string, viewport?: { width: number, height: number }
): Promise<MonitoredPage> {
  const { page, problems } = await openPage(t)
  await page.exposeFunction('reportViolation', (text: string) => { problems.push(text) })
  await page.addInitScript(`document.addEventListener('securitypolicyviolation', event => {
    reportViolation(event.violatedDirective + ' ' + event.blockedURI)
  })`)
  if (viewport !== undefined) await page.setViewportSize(viewport)
  await page.goto(`${url}/dashboard`)
  return { page, problems }
}

/** Problems other than the one that a test provokes, and requests that the page aborts itself. */
export function unexpected (problems: string[], provoked?: string): string[] {
  const aborted = /\/(nodes|server|history|bans|peers\/\d+|(peers|rooms|events)\?.*): net::ERR_ABORTED/
  return problems.filter(problem => !aborted.test(problem) && (provoked === undefined || !problem.includes(provoked)))
}

/** The line of an event. */
export function eventLine (page: Page, text: string | RegExp) {
  return page.locator('#events li', { hasText: text })
}

/** Signs in with a token. */
export async function signIn (page: Page, token: string): Promise<void> {
  await page.fill('#token-dialog [name=token]', token)
  await page.click('#token-dialog .primary')
}
