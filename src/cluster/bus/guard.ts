/** Calls what must not throw here: what it throws is an uncaught exception. */
export function guard (call: () => void): void {
  try {
    call()
  } catch (error) {
    process.nextTick(() => { throw error })
  }
}
