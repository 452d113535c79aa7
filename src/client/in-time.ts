/** The result of `promise`; rejects with a TimeoutError if that takes longer than `milliseconds`. */
export async function inTime<Result> (promise: Promise<Result>, milliseconds: number): Promise<Result> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new DOMException(`no data for ${milliseconds / 1000} seconds`, 'TimeoutError'))
    }, milliseconds)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
