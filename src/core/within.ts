/**
 * What a promise resolves with, or undefined if that takes longer than `milliseconds`. Rejects as the promise does, but
 * not after that time.
 */
export async function within<T> (milliseconds: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>(resolve => { timer = setTimeout(() => { resolve(undefined) }, milliseconds) })
  return await Promise.race([promise, late]).finally(() => { clearTimeout(timer) })
}
