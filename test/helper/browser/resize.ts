import type { Page } from 'playwright-core'

/** Resolves when the page has been drawn in this size: what is positioned by a ResizeObserver is in its place then. */
export async function resize (page: Page, size: { width: number, height: number }): Promise<void> {
  await page.setViewportSize(size)
  await drawn(page)
}

/** Resolves when the page has been drawn as it is now. */
export async function drawn (page: Page): Promise<void> {
  await page.evaluate('new Promise(resolve => { requestAnimationFrame(() => { setTimeout(resolve) }) })')
}
