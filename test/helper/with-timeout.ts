/** Resolves like `promise`; rejects after `seconds` with an error that contains `awaited()`. */
export async function withTimeout<T> (seconds: number, awaited: () => string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`timeout after ${seconds} s waiting for ${awaited()}`)), seconds * 1000)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}
