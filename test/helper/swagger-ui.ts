import type { Locator, Page } from 'playwright-core'

/** Enters the token into the dialog behind the lock. */
export async function authorize (page: Page, token: string): Promise<void> {
  await page.locator('.auth-wrapper .authorize').click()
  await page.locator('.auth-container input').fill(token)
  await page.locator('.auth-btn-wrapper .authorize').click()
  await page.locator('.auth-btn-wrapper .btn-done').click()
}

/** Opens an operation, fills it, executes it: the status and the body that the page shows. */
export async function execute (
  page: Page, operationId: string, fill: (operation: Locator) => Promise<void> = async () => {}
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

/** Fills a parameter of an operation. */
export async function fillParameter (operation: Locator, name: string, value: string): Promise<void> {
  await operation.locator(`tr[data-param-name="${name}"] input`).fill(value)
}
