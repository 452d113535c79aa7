import type { Locator, Page } from 'playwright-core'

/** Enters the token into the dialog behind the lock. */
export async function authorize (page: Page, token: string): Promise<void> {
  await page.locator('.auth-wrapper .authorize').click()
  await page.locator('.auth-container input').fill(token)
  await page.locator('.auth-btn-wrapper .authorize').click()
  await page.locator('.auth-btn-wrapper .btn-done').click()
}

/** Opens an operation, tries it out with what `fill` enters: the status and the body that the page shows. */
export async function execute (
  page: Page, operationId: string, fill: (operation: Locator) => Promise<void> = async () => {}
): Promise<{ status: string, body: string }> {
  const operation = await unfold(page, operationId)
  // It stays on while the operation is folded.
  const tryOut = operation.locator('.try-out__btn')
  if (await tryOut.innerText() === 'Try it out') await tryOut.click()
  await fill(operation)
  const [response] = await Promise.all([
    page.waitForResponse(answer => answer.url().includes('/api/v1/')), operation.locator('button.execute').click()
  ])
  const body = await response.text()
  const status = (await operation.locator('.live-responses-table tbody .response-col_status').first()
    .innerText()).trim().split(/\s/)[0]
  await headOf(operation).click()
  return { status, body }
}

/** Unfolds an operation; nothing can be executed until 'Try it out' is clicked. */
export async function unfold (page: Page, operationId: string): Promise<Locator> {
  const operation = page.locator(`[id$="-${operationId}"]`)
  await headOf(operation).click()
  await operation.locator('.try-out__btn').waitFor()
  return operation
}

function headOf (operation: Locator): Locator {
  return operation.locator('.opblock-summary-control')
}

/** Fills a parameter of an operation. */
export async function fillParameter (operation: Locator, name: string, value: string): Promise<void> {
  await operation.locator(`tr[data-param-name="${name}"] input`).fill(value)
}
