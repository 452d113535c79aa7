/** What `promise` resolves with; an error that names what was awaited when `seconds` pass first. */
export async function withTimeout<T> (seconds: number, awaited: () => string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${seconds} s for ${awaited()}`)), seconds * 1000)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
