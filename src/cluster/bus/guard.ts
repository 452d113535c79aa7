/** Calls a callback; what it throws becomes an uncaught exception instead of reaching the caller. */
export function guard (call: () => void): void {
  try {
    call()
  } catch (error) {
    process.nextTick(() => { throw error })
  }
}
