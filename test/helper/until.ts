/** Resolves when a condition holds; looks every few milliseconds, for 20 s at most. */
export async function until (
  condition: () => boolean | Promise<boolean>, awaited: () => string = () => String(condition)
): Promise<void> {
  const started = performance.now()
  while (!await condition()) {
    if (performance.now() - started > 20_000) throw new Error(`timeout waiting for ${awaited()}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
