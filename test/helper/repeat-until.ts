/** Repeats an action ten times a second until a promise settles. */
export async function repeatUntil (settled: Promise<unknown>, action: () => void): Promise<void> {
  const timer = setInterval(action, 100)
  await settled.finally(() => { clearInterval(timer) })
}
