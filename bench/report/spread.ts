/** Median, minimum and maximum of some figures. */
export interface Spread { readonly median: number, readonly min: number, readonly max: number }

/** The spread of these values; undefined without any. */
export function spreadOf (values: readonly number[]): Spread | undefined {
  const sorted = values.filter(value => !Number.isNaN(value)).sort((a, b) => a - b)
  if (sorted.length === 0) return undefined
  const [below, above] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  return { median: (below + above) / 2, min: sorted[0], max: sorted[sorted.length - 1] }
}
